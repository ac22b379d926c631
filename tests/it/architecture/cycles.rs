//! Finds import cycles among the files of `src`. Re-exports are followed to the file that defines the item.
//!
//! A file may import what its parent modules define (`super::Input`), because it is a part of them. Two files that
//! import each other are regarded as one unit and not reported. Cycles of three or more files are reported.

use std::collections::{BTreeMap, BTreeSet};

use super::paths::{named_paths, without_tests};

/// Returns the files of each cycle, by module (`plan/decide/batch`). `sources` are pairs of a path relative to `src`
/// and a text.
pub(super) fn cycles(sources: &[(String, String)]) -> Vec<BTreeSet<String>> {
    let graph = imports(sources);
    let reach: BTreeMap<&str, BTreeSet<&str>> =
        graph.keys().map(|from| (from.as_str(), reached(&graph, from))).collect();
    let mut found: Vec<BTreeSet<String>> = Vec::new();
    for (from, reached) in &reach {
        let cycle = reached.iter().filter(|to| reach.get(*to).is_some_and(|back| back.contains(from)));
        let cycle: BTreeSet<String> = cycle.map(|module| (*module).to_owned()).collect();
        if cycle.len() > 2 && !found.contains(&cycle) {
            found.push(cycle);
        }
    }
    found
}

/// Returns all modules with the modules that each imports from, without its parent modules.
pub(super) fn imports(sources: &[(String, String)]) -> BTreeMap<String, BTreeSet<String>> {
    let named: BTreeMap<String, Vec<Vec<String>>> = sources
        .iter()
        .filter(|(path, _)| !path.ends_with("tests.rs") && !path.contains("/tests/"))
        .map(|(path, text)| (module(path), named_paths(path, without_tests(path, text))))
        .map(|(module, named)| (module, named.into_iter().map(|named| named.segments).collect()))
        .collect();
    let modules = Modules(named.iter().map(|(module, named)| (module.as_str(), named.as_slice())).collect());
    let imports = |from: &str, paths: &[Vec<String>]| -> BTreeSet<String> {
        let targets = paths.iter().filter_map(|path| modules.defines(&modules.rooted(from, path)?, 0));
        targets.filter(|to| *to != from && !from.starts_with(&format!("{to}/"))).map(str::to_owned).collect()
    };
    named.iter().map(|(from, paths)| (from.clone(), imports(from, paths))).collect()
}

fn module(path: &str) -> String {
    path.trim_end_matches(".rs").trim_end_matches("/mod").to_owned()
}

fn reached<'g>(graph: &'g BTreeMap<String, BTreeSet<String>>, from: &str) -> BTreeSet<&'g str> {
    let mut reached: BTreeSet<&str> = BTreeSet::new();
    let mut next: Vec<&str> = graph[from].iter().map(String::as_str).collect();
    while let Some(module) = next.pop() {
        if reached.insert(module) {
            next.extend(graph.get(module).into_iter().flatten().map(String::as_str));
        }
    }
    reached
}

/// All modules, with the paths that each names.
struct Modules<'a>(BTreeMap<&'a str, &'a [Vec<String>]>);

impl<'a> Modules<'a> {
    /// Returns `path`, which `module` names, relative to the root of the crate. `None` if it is not in this crate.
    fn rooted(&self, module: &str, path: &[String]) -> Option<Vec<String>> {
        let (first, rest) = path.split_first()?;
        if first == "crate" {
            return Some(rest.to_vec());
        }
        let child = format!("{module}/{first}");
        self.0.contains_key(child.as_str()).then(|| child.split('/').map(str::to_owned).chain(rest.to_vec()).collect())
    }

    /// Returns the module that defines the item at `path`.
    fn defines(&self, path: &[String], depth: usize) -> Option<&'a str> {
        let (module, named, rest) = (1..=path.len()).rev().find_map(|length| {
            let (module, named) = self.0.get_key_value(path[..length].join("/").as_str())?;
            Some((*module, *named, &path[length..]))
        })?;
        let Some((name, behind)) = rest.split_first() else { return Some(module) };
        let is_it = |named: &&Vec<String>| named.len() > 1 && named.last() == Some(name);
        let exported = named.iter().filter(is_it).find_map(|named| self.rooted(module, named));
        match exported {
            Some(exported) if depth < 5 && exported != path => {
                self.defines(&[exported.as_slice(), behind].concat(), depth + 1)
            }
            _ => Some(module),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(files: &[(&str, &str)]) -> Vec<(String, String)> {
        files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn three_files_in_a_circle_are_found() {
        let files = [
            ("x/a.rs", "use super::b::B;"),
            ("x/b.rs", "fn f() { super::c::g() }"),
            ("x/c.rs", "use crate::x::a::A;"),
            ("x/d.rs", "use super::a::A;"),
        ];
        assert_eq!(cycles(&sources(&files)), [["x/a", "x/b", "x/c"].map(str::to_owned).into()]);
    }

    #[test]
    fn pairs_and_the_files_around_a_file_are_no_cycle() {
        let files = [
            ("x/mod.rs", "mod a; mod b; pub struct Input; fn f() { a::f() }"),
            ("x/a.rs", "use super::{Input, b::B};"),
            ("x/b.rs", "use super::{Input, a::A};"),
        ];
        assert_eq!(cycles(&sources(&files)), [] as [BTreeSet<String>; 0]);
    }

    #[test]
    fn a_name_is_followed_to_the_file_that_defines_it() {
        let files = [
            ("x/mod.rs", "mod a; mod b; pub use a::A;"),
            ("x/a.rs", "pub struct A;"),
            ("x/b.rs", "use super::A;"),
            ("y/mod.rs", "use crate::x::A;"),
        ];
        let imports = imports(&sources(&files));
        assert_eq!(imports["x/b"], BTreeSet::from(["x/a".to_owned()]));
        assert_eq!(imports["y"], BTreeSet::from(["x/a".to_owned()]));
    }
}
