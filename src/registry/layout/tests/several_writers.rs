//! Several writers of one tag of a layout.

use super::*;

#[tokio::test]
async fn a_tag_that_another_writer_has_changed_is_not_written() {
    let folder = Folder::new();
    let (old, new) = (folder.add_image("old").await, folder.add_image("new").await);
    let name = Tag::parse("v1").unwrap();
    let put = async |names: Option<&Digest>, payload: &Payload| {
        let tag = ExpectedTag { tag: &name, names };
        folder.layouts.put_tag(&folder.dir, tag, payload).await.unwrap()
    };
    let moved = |found: Option<&Payload>| TagWrite::Moved { found: found.map(|payload| payload.digest().clone()) };
    assert_eq!(put(Some(old.digest()), &new).await, moved(None));
    assert_eq!(put(None, &old).await, TagWrite::Written);
    assert_eq!(put(None, &new).await, moved(Some(&old)));
    assert_eq!(put(Some(new.digest()), &old).await, TagWrite::Written, "it already names this manifest");
    assert_eq!(put(Some(old.digest()), &new).await, TagWrite::Written);
    assert_eq!(folder.head(&tag("v1")).await.unwrap().as_ref(), Some(new.descriptor()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_that_change_one_list_lose_nothing() {
    let folder = Folder::new();
    let image = folder.add_image("a").await;
    // Each writer adds one entry to the list that it read. The second half does not know the first's locks in memory.
    let strangers = [folder.layouts.clone(), Layouts::default()];
    let writes = (0..12).map(|number| {
        let (layouts, dir, image) = (strangers[number % 2].clone(), folder.dir.clone(), image.clone());
        tokio::spawn(async move {
            let (name, mut rounds) = (Tag::parse("v1").unwrap(), 0);
            loop {
                rounds += 1;
                let head = layouts.head(&dir, &Locator::Tag(name.clone())).await.unwrap();
                let names = head.map(|head| head.digest);
                let mut entries = Vec::new();
                if let Some(names) = &names {
                    entries = Index::parse(&layouts.manifest(&dir, names).await.unwrap().unwrap()).unwrap().entries;
                }
                let platform = Platform { os: format!("os{number}"), ..Platform::default() };
                entries.push(Entry::new(image.descriptor().clone(), platform));
                let list = Index::new(MediaType::OciIndex, entries).encode();
                let tag = ExpectedTag { tag: &name, names: names.as_ref() };
                if layouts.put_tag(&dir, tag, &list).await.unwrap() == TagWrite::Written {
                    return rounds;
                }
            }
        })
    });
    let mut rounds = 0;
    for write in writes.collect::<Vec<_>>() {
        rounds += write.await.unwrap();
    }
    let digest = folder.head(&tag("v1")).await.unwrap().unwrap().digest;
    let list = Index::parse(&folder.layouts.manifest(&folder.dir, &digest).await.unwrap().unwrap()).unwrap();
    assert_eq!(list.entries.len(), 12, "{rounds} rounds");
}
