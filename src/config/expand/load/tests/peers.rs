//! Conventions of real projects, each as short as the format allows.

use super::*;

fn members(loaded: &Loaded) -> usize {
    loaded.publications.iter().map(|publication| publication.members.len()).sum()
}

const KUBERNETES: &str = r#"
[vars]
registry = "registry.k8s.io"
version = { env = "VERSION" }
[defaults]
platforms = ["linux/amd64", "linux/arm64", "linux/ppc64le", "linux/s390x"]
source = "{registry}/{name}-{arch}:{version|tag}"
target = "{registry}/{name}"
tags = ["{version|tag}"]
[list.kube]
matrix.name = ["conformance", "kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler", "kubectl"]
"#;

#[test]
fn kubernetes_has_six_lists_of_four() {
    let loaded = Machine::default().env("VERSION", "v1.37.0-alpha.1+abc").load(KUBERNETES);
    assert_eq!(loaded.problems, []);
    assert_eq!((loaded.publications.len(), members(&loaded)), (6, 24));
    let proxy = &loaded.publications[3];
    assert_eq!(proxy.reference().to_string(), "registry.k8s.io/kube-proxy:v1.37.0-alpha.1_abc");
    assert_eq!(proxy.members[3].source.to_string(), "registry.k8s.io/kube-proxy-s390x:v1.37.0-alpha.1_abc");
}

#[test]
fn the_fast_build_of_kubernetes_has_lists_of_one() {
    let text = KUBERNETES.replace(r#", "linux/arm64", "linux/ppc64le", "linux/s390x""#, "");
    let loaded = Machine::default().env("VERSION", "v1.37.0").load(&text);
    assert_eq!((loaded.problems.len(), loaded.publications.len(), members(&loaded)), (0, 6, 6));
}

#[test]
fn pause_has_an_arm_without_variant() {
    let loaded = Machine::default().load(
        r#"
[list.pause]
platforms = ["linux/amd64", "linux/arm", "linux/arm64", "linux/ppc64le", "linux/s390x"]
source = "staging-k8s.gcr.io/{name}-{arch}:3.1"
target = "staging-k8s.gcr.io/{name}"
tags = ["3.1"]
"#,
    );
    assert_eq!(loaded.problems, []);
    let arm = &loaded.publications[0].members[1];
    assert_eq!(
        (arm.platform.variant.as_deref(), arm.source.to_string().as_str()),
        (None, "staging-k8s.gcr.io/pause-arm:3.1")
    );
}

#[test]
fn cluster_api_has_six_lists_of_five_in_one_stanza() {
    let loaded = Machine::default().env("TAG", "v1.9.0").load(
        r#"
[vars]
tag-of-build = { env = "TAG" }
[list.capi]
matrix.name = ["cluster-api-controller", "kubeadm-bootstrap-controller", "kubeadm-control-plane-controller", "capd-manager", "test-extension", "clusterctl"]
platforms = ["linux/amd64", "linux/arm", "linux/arm64", "linux/ppc64le", "linux/s390x"]
source = "gcr.io/k8s-staging-cluster-api/{name}-{arch}:{tag-of-build}"
target = "gcr.io/k8s-staging-cluster-api/{name}"
tags = ["{tag-of-build}"]
"#,
    );
    assert_eq!(loaded.problems, []);
    assert_eq!((loaded.publications.len(), members(&loaded)), (6, 30));
    let last = &loaded.publications[5];
    assert_eq!(last.members[1].source.to_string(), "gcr.io/k8s-staging-cluster-api/clusterctl-arm:v1.9.0");
}

#[test]
fn coredns_has_the_architecture_as_a_prefix_and_an_alias() {
    let loaded = Machine::default().load(
        r#"
[vars]
version = "1.12.0"
[list.coredns]
platforms = ["linux/amd64", "linux/arm", "linux/arm64", "linux/mips64le", "linux/ppc64le", "linux/s390x", "linux/riscv64"]
source = "coredns/coredns:{arch}-{version}"
target = "coredns/coredns"
tags = ["{version}", "latest"]
"#,
    );
    assert_eq!(loaded.problems, []);
    let list = &loaded.publications[0];
    assert_eq!((list.tags.len(), list.members.len()), (2, 7));
    assert_eq!(list.target.to_string(), "docker.io/coredns/coredns");
    assert_eq!(list.members[3].source.to_string(), "docker.io/coredns/coredns:mips64le-1.12.0");
}

#[test]
fn kube_cross_has_a_list_for_each_variant() {
    let loaded = Machine::default().load(
        r#"
[list.kube-cross]
platforms = ["linux/amd64", "linux/arm64"]
matrix.version = ["v1.37.0-go1.26.5-bullseye.0", "v1.37.0-go1.26.5-bookworm.0", "v1.36.0-go1.26.5-bullseye.0"]
source = "gcr.io/k8s-staging-build-image/{name}-{arch}:{version}"
target = "gcr.io/k8s-staging-build-image/{name}"
tags = ["{version}"]
"#,
    );
    assert_eq!(loaded.problems, []);
    assert_eq!((loaded.publications.len(), members(&loaded)), (3, 6));
    let list = &loaded.publications[1];
    assert_eq!(list.id, "kube-cross/v1.37.0-go1.26.5-bookworm.0");
    let source = "gcr.io/k8s-staging-build-image/kube-cross-arm64:v1.37.0-go1.26.5-bookworm.0";
    assert_eq!(list.members[1].source.to_string(), source);
}

#[test]
fn official_images_are_in_an_organisation_for_each_architecture() {
    let loaded = Machine::default().load(
        r#"
[list.golang]
arch-style = "docker-library"
platforms = ["linux/amd64", "linux/arm/v5", "linux/arm/v6", "linux/arm/v7", "linux/arm64/v8", "linux/386", "linux/mips64le", "linux/ppc64le", "linux/riscv64", "linux/s390x", "windows/amd64"]
source = "{arch}/golang:1.27"
target = "golang"
tags = ["1.27"]
"#,
    );
    assert_eq!(loaded.problems, []);
    let list = &loaded.publications[0];
    assert_eq!(list.reference().to_string(), "docker.io/library/golang:1.27");
    let sources: Vec<String> = list.members.iter().map(|member| member.source.to_string()).collect();
    let organisations = [
        "amd64", "arm32v5", "arm32v6", "arm32v7", "arm64v8", "i386", "mips64le", "ppc64le", "riscv64", "s390x",
        "winamd64",
    ];
    assert_eq!(sources, organisations.map(|arch| format!("docker.io/{arch}/golang:1.27")));
    assert_eq!(list.members[4].platform.variant.as_deref(), Some("v8"), "written as declared");
}

#[test]
fn manifest_tool_spells_variants_its_own_way() {
    let loaded = Machine::default().env("VERS", "v2.2.0").load(
        r#"
[vars]
version = { env = "VERS" }
[list.manifest-tool]
source = "mplatform/manifest-tool:{os}_{arch}_{version}"
target = "mplatform/manifest-tool"
tags = ["{version}", "latest"]
[list.manifest-tool.platforms]
i386 = "linux/386"
amd64 = "linux/amd64"
arm64 = "linux/arm64/v8"
arm_v7 = "linux/arm/v7"
arm_v6 = "linux/arm/v6"
ppc64le = "linux/ppc64le"
s390x = "linux/s390x"
riscv64 = "linux/riscv64"
win2019 = { platform = "windows/amd64", source = "mplatform/manifest-tool:{arch}_{version}" }
win2016 = { platform = "windows/amd64", source = "mplatform/manifest-tool:{arch}_{version}" }
"#,
    );
    assert_eq!(loaded.problems, []);
    let list = &loaded.publications[0];
    let tags: Vec<&str> =
        list.members.iter().map(|member| member.source.tag().map_or("", |tag| tag.as_str())).collect();
    assert_eq!(
        tags,
        [
            "linux_i386_v2.2.0",
            "linux_amd64_v2.2.0",
            "linux_arm64_v2.2.0",
            "linux_arm_v7_v2.2.0",
            "linux_arm_v6_v2.2.0",
            "linux_ppc64le_v2.2.0",
            "linux_s390x_v2.2.0",
            "linux_riscv64_v2.2.0",
            "win2019_v2.2.0",
            "win2016_v2.2.0"
        ]
    );
    assert_eq!((list.tags.len(), list.members[3].platform.to_string().as_str()), (2, "linux/arm/v7"));
}
