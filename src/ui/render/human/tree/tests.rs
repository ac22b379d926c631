//! Trees of made-up nodes: widths, character sets, colors and hostile text.

use super::*;
use crate::oci::{Descriptor, Place, Platform, Reference};
use crate::ui::style::Color;
use crate::ui::tests::samples::WIDE;

const HOSTILE: &str = "\u{1b}[31mred\n::error::x\r\u{202e}evil\u{200b}";

fn node(role: NodeRole, media_type: MediaType, content: &str) -> TreeNode {
    let place = Place::parse("registry.k8s.io/pause").unwrap();
    let descriptor = Descriptor { media_type, digest: Digest::of(content.as_bytes()), size: 2841 };
    TreeNode::new(role, place.with_digest(&descriptor.digest), descriptor)
}

fn image(platform: &str, size: u64) -> TreeNode {
    let mut image = node(NodeRole::Entry, MediaType::DockerManifest, platform);
    let (platform, version) =
        platform.split_once(' ').map_or((platform, None), |(platform, version)| (platform, Some(version)));
    let mut platform = Platform::parse(platform).unwrap();
    platform.os_version = version.map(str::to_owned);
    (image.state, image.content_size, image.platform) = (NodeState::Read, Some(size), Some(platform));
    image
}

/// The tree of a release: images, an attestation, a signature and a referrer.
fn release() -> TreeNode {
    let mut root = node(NodeRole::Root, MediaType::OciIndex, "root");
    root.reference = Reference::parse("registry.k8s.io/pause:3.10").unwrap();
    root.state = NodeState::Read;
    let mut amd64 = image("linux/amd64", 296_000);
    let mut attestation = node(NodeRole::Attestation, MediaType::OciManifest, "attestation");
    attestation.state = NodeState::Read;
    attestation.predicate_types =
        ["https://slsa.dev/provenance/v1", "https://spdx.dev/Document", "https://cyclonedx.org/bom"]
            .map(str::to_owned)
            .into();
    amd64.referrers.push(attestation);
    let mut signature = node(NodeRole::Signature, MediaType::OciManifest, "signature");
    let tag = format!("registry.k8s.io/pause:sha256-{}.sig", root.descriptor.digest.hex());
    signature.reference = Reference::parse(&tag).unwrap();
    let mut sbom = node(NodeRole::Referrer, MediaType::OciManifest, "sbom");
    sbom.state = NodeState::Read;
    (sbom.artifact_type, sbom.content_size) = (Some("application/spdx+json".to_owned()), Some(31_400));
    root.children = vec![amd64, image("windows/amd64 10.0.17763", 104_000_000)];
    root.referrers = vec![signature, sbom];
    root
}

fn shown(root: &TreeNode, style: Style, all: bool) -> String {
    lines(root, &View { style, digests: Digests::telling_apart(digests(root)), all, indent: 0 })
}

#[test]
fn a_release_has_columns() {
    insta::assert_snapshot!(shown(&release(), WIDE, false), @r"
    registry.k8s.io/pause:3.10   OCI index, 2.8 kB
    sha256:4813494d137e1631bba301d5acab6e7bb7aa74ce1185d456565ef51d737677b2
    ├─ linux/amd64               baf0239e48ff  Docker image, 296 kB
    │  └─ attestation            813a89a29697  provenance, sbom
    ├─ windows/amd64 10.0.17763  be577b300157  Docker image, 104 MB
    └─ referrers
       ├─ signature              1a2fc26dc7ea  cosign, tag sha256-4813494d….sig
       └─ application/spdx+json  98f3ae1ef671  31.4 kB
    ");
}

#[test]
fn without_room_each_part_has_its_own_line() {
    let narrow = Style { width: Some(40), charset: Charset::Ascii, ..WIDE };
    insta::assert_snapshot!(shown(&release(), narrow, false), @r"
    registry.k8s.io/pause:3.10
      OCI index, 2.8 kB
    sha256:4813494d137e1631bba301d5acab6e7bb7aa74ce1185d456565ef51d737677b2
    |- linux/amd64
    |  |  baf0239e48ff  Docker image, 296 kB
    |  `- attestation
    |        813a89a29697  provenance, sbom
    |- windows/amd64 10.0.17763
    |     be577b300157  Docker image, 104 MB
    `- referrers
       |- signature
       |     1a2fc26dc7ea
       |     cosign, tag
       |     sha256-4813494d....sig
       `- application/spdx+json
             98f3ae1ef671  31.4 kB
    ");
}

#[test]
fn what_cannot_be_read_says_why() {
    let mut root = release();
    root.children[0].state = NodeState::NotFound;
    root.children[1].state = NodeState::Failed;
    let mut old =
        node(NodeRole::Entry, MediaType::parse("application/vnd.docker.distribution.manifest.v1+json"), "old");
    old.state = NodeState::Unreadable("Docker manifest schema 1".to_owned());
    let mut listed = image("linux/s390x", 1);
    (listed.state, listed.content_size) = (NodeState::Listed, None);
    root.children.extend([old, listed]);
    root.omitted = 12_345;
    insta::assert_snapshot!(shown(&root, WIDE, false), @r"
    registry.k8s.io/pause:3.10   OCI index, 2.8 kB
    sha256:4813494d137e1631bba301d5acab6e7bb7aa74ce1185d456565ef51d737677b2
    ├─ linux/amd64
    │  │  baf0239e48ff  not found
    │  └─ attestation
    │        813a89a29697  provenance, sbom
    ├─ windows/amd64 10.0.17763
    │     be577b300157  failed to read
    ├─ manifest
    │     cba06b5736fa
    │     application/vnd.docker.distribution.manifest.v1+json, cannot be parsed:
    │     Docker manifest schema 1
    ├─ linux/s390x
    │     f2bd2b7d44b2  Docker image
    ├─ referrers
    │  ├─ signature
    │  │     1a2fc26dc7ea  cosign, tag sha256-4813494d….sig
    │  └─ application/spdx+json
    │        98f3ae1ef671  31.4 kB
    └─ and 12,345 more
    ");
    assert_eq!(
        unread(&root, Style::PLAIN),
        "not read: 12,346 manifests (mlist inspect reads at most 500 manifests and 3 levels of indexes)\n"
    );
}

#[test]
fn text_from_registries_stays_on_its_line_and_has_no_escapes() {
    let mut root = release();
    let platform = Platform { os: HOSTILE.into(), architecture: HOSTILE.into(), ..Platform::default() };
    root.children[0].platform = Some(platform);
    root.children[1].descriptor.media_type = MediaType::Other(HOSTILE.to_owned());
    root.children[1].state = NodeState::Unreadable(HOSTILE.to_owned());
    root.children[0].referrers[0].predicate_types = vec![HOSTILE.to_owned()];
    root.referrers[1].artifact_type = Some(HOSTILE.repeat(100));
    root.annotations.insert(HOSTILE.to_owned(), HOSTILE.to_owned());
    root.children[1].entry_annotations.insert("::error::y".to_owned(), HOSTILE.to_owned());
    root.artifact_type = Some(HOSTILE.to_owned());
    let plain = shown(&release(), Style::PLAIN, true).lines().count();
    let hostile = shown(&root, Style::PLAIN, true);
    assert_eq!(hostile.lines().count(), plain + 2, "two annotations:\n{hostile}");
    assert!(!hostile.contains(['\u{1b}', '\r', '\u{202e}', '\u{200b}']), "{hostile}");
    assert!(hostile.lines().all(|line| !line.trim_start().starts_with("::")), "{hostile}");
    assert!(hostile.lines().all(|line| line.chars().count() < 500), "{hostile}");
}

#[test]
fn color_marks_only_what_is_wrong() {
    let color = Style { color: Color::On, ..WIDE };
    assert!(!shown(&release(), color, false).contains('\u{1b}'));
    let mut root = release();
    root.children[0].state = NodeState::NotFound;
    assert!(shown(&root, color, false).contains("\u{1b}[31mnot found\u{1b}[0m\n"));
}
