//! [`CachedToken`]: a token for certain rights, renewed when necessary; [`SharedTokens`]: the tokens that the
//! repositories of a list share.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use tokio::sync::OnceCell;

use crate::oci::Host;
use crate::registry::error::Failure;
use crate::registry::lock::lock;
use crate::registry::{Access, Rights};

use super::identity::Identity;
use super::token::Token;
use super::{Right, Scopes};

/// The maximum number of repositories in one token. A token for 16 repositories has 3 KB. Beyond 50, the token exceeds
/// the 8 KB that proxies accept for a header, and the request for it exceeds the limit for a request line.
const SHARED: usize = 16;

/// A token of one identity for certain rights, fetched when it is first needed.
pub(super) struct CachedToken {
    pub(super) identity: Arc<Identity>,
    pub(super) scopes: Scopes,
    slot: Mutex<Arc<Slot>>,
}

/// One token, requested once, however many requests wait for it. A refusal is kept like a token.
#[derive(Default)]
pub(super) struct Slot {
    pub(super) generation: u64,
    pub(super) token: OnceCell<Result<Token, Failure>>,
}

impl CachedToken {
    pub(super) fn new(identity: &Arc<Identity>, scopes: Scopes) -> Arc<Self> {
        Arc::new(Self { identity: Arc::clone(identity), scopes, slot: Mutex::default() })
    }

    /// Returns the current token.
    pub(super) fn slot(&self) -> Arc<Slot> {
        Arc::clone(&lock(&self.slot))
    }

    /// Drops the token of `generation`, unless it has already been replaced.
    pub(super) fn renew(&self, generation: u64) {
        let mut slot = lock(&self.slot);
        if slot.generation == generation {
            *slot = Arc::new(Slot { generation: generation + 1, token: OnceCell::new() });
        }
    }

    fn is_fetched(&self) -> bool {
        self.slot().token.get().is_some_and(Result::is_ok)
    }
}

/// The repositories of one registry that belong together, by their paths within the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TokenGroup {
    target: Option<(String, Right)>,
    sources: Vec<String>,
}

impl TokenGroup {
    /// Returns the groups of `host`. Lists with the same target form one group. So do lists whose target is elsewhere
    /// and whose sources are the same.
    pub(super) fn all(access: &Access, host: &Host) -> Vec<Self> {
        let right = if access.rights() == Rights::Write { Right::PullPush } else { Right::Pull };
        let mut groups: Vec<Self> = Vec::new();
        let (mut of_target, mut seen) = (HashMap::new(), BTreeSet::new());
        for group in access.groups() {
            let target = group.target.as_ref().filter(|target| target.host() == host);
            let sources = group.sources.iter().filter(|source| source.host() == host && Some(*source) != target);
            let sources: Vec<String> = sources.map(|source| source.path().to_owned()).collect();
            let at = match target {
                Some(target) => *of_target.entry(target.path()).or_insert_with(|| {
                    groups.push(Self { target: Some((target.path().to_owned(), right)), sources: Vec::new() });
                    groups.len() - 1
                }),
                None if seen.insert(sources.clone()) => {
                    groups.push(Self { target: None, sources: Vec::new() });
                    groups.len() - 1
                }
                None => continue,
            };
            groups[at].sources.extend(sources);
        }
        for group in &mut groups {
            let mut seen = BTreeSet::new();
            group.sources.retain(|source| seen.insert(source.clone()));
        }
        groups
    }

    /// The paths of all its repositories.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        let target = self.target.iter().map(|(path, _)| path.as_str());
        target.chain(self.sources.iter().map(String::as_str))
    }
}

/// The tokens that the groups of one registry share.
pub(super) struct SharedTokens {
    tokens: Vec<Arc<CachedToken>>,
    /// The positions of a repository's tokens in `tokens`, by its path.
    of: HashMap<String, Vec<usize>>,
}

impl SharedTokens {
    /// `identity` returns the identity used for a repository. A repository whose identity is unknown shares no token.
    pub(super) fn new(groups: &[TokenGroup], identity: impl Fn(&str) -> Option<Arc<Identity>>) -> Self {
        let mut tokens: Vec<Arc<CachedToken>> = Vec::new();
        for group in groups {
            let mut sources: Vec<(Arc<Identity>, Vec<&str>)> = Vec::new();
            for path in &group.sources {
                let Some(identity) = identity(path) else { continue };
                match sources.iter_mut().find(|(known, _)| known.number == identity.number) {
                    Some((_, paths)) => paths.push(path),
                    None => sources.push((identity, vec![path])),
                }
            }
            let target = group.target.as_ref().and_then(|(path, right)| Some((identity(path)?, path, *right)));
            for (identity, paths) in sources {
                // The target is in each part, because a mount needs one token for target and source. It comes first.
                let target = target.as_ref().filter(|(target, ..)| target.number == identity.number);
                let first =
                    target.map_or_else(Scopes::default, |(_, path, right)| Scopes::default().and_path(path, *right));
                for part in paths.chunks(SHARED - first.len()) {
                    let scopes = part.iter().fold(first.clone(), |scopes, path| scopes.and_path(path, Right::Pull));
                    tokens.push(CachedToken::new(&identity, scopes));
                }
            }
        }
        // A token for a single repository is not shared. It is requested when it is needed.
        tokens.retain(|token| token.scopes.len() > 1);
        let mut of: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, token) in tokens.iter().enumerate() {
            for path in token.scopes.paths() {
                of.entry(path.to_owned()).or_default().push(at);
            }
        }
        Self { tokens, of }
    }

    /// Returns the token of `identity` that allows `need`. If there are several, prefers one that is already fetched.
    pub(super) fn choose(&self, identity: &Identity, need: &Scopes) -> Option<Arc<CachedToken>> {
        let tokens = self.of.get(need.path())?.iter().map(|at| &self.tokens[*at]);
        let mut fitting =
            tokens.filter(|token| token.identity.number == identity.number && token.scopes.allow(need)).peekable();
        let first = *fitting.peek()?;
        Some(Arc::clone(fitting.find(|token| token.is_fetched()).unwrap_or(first)))
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;
    use crate::oci::{Place, Repository};
    use crate::registry;
    use crate::registry::auth::identity::Identities;
    use crate::registry::credentials::{Credential, Login};

    fn repository(name: &str) -> Repository {
        match Place::parse(name).unwrap() {
            Place::Repository(repository) => repository,
            Place::Layout(dir) => panic!("{dir} is a layout"),
        }
    }

    /// The tokens requested from `r.example` for lists of the form `TARGET < SOURCE SOURCE`. Repositories below
    /// `other/` use another identity.
    fn tokens(rights: Rights, lists: &[&str]) -> Vec<String> {
        let group = |list: &&str| {
            let (target, sources) = list.split_once('<').unwrap();
            let target = Some(target.trim()).filter(|target| !target.is_empty()).map(repository);
            registry::RepositoryGroup { target, sources: sources.split_whitespace().map(repository).collect() }
        };
        let access = Access::new(rights, lists.iter().map(group).collect());
        let all = Identities::default();
        let login = || Credential::of_docker(Login::Identity(SecretString::from("x")));
        let identity = |path: &str| Some(all.of(path.starts_with("other/").then(login)));
        let groups = TokenGroup::all(&access, &Host::parse("r.example").unwrap());
        let tokens = SharedTokens::new(&groups, identity).tokens;
        let shown = |scope: &dyn std::fmt::Display| scope.to_string().replace("repository:", "");
        let one =
            |token: Arc<CachedToken>| token.scopes.iter().map(|scope| shown(&scope)).collect::<Vec<_>>().join(" ");
        tokens.into_iter().map(one).collect()
    }

    #[test]
    fn a_list_has_one_token_for_its_target_and_its_sources() {
        let lists = ["r.example/t < r.example/a r.example/b elsewhere.example/c"];
        assert_eq!(tokens(Rights::Write, &lists), ["t:pull,push a:pull b:pull"]);
        assert_eq!(tokens(Rights::ReadOnly, &lists), ["t:pull a:pull b:pull"]);
    }

    #[test]
    fn lists_that_can_share_a_token_do() {
        let one_target = ["r.example/t < r.example/a r.example/b", "r.example/t < r.example/b r.example/c"];
        assert_eq!(tokens(Rights::Write, &one_target), ["t:pull,push a:pull b:pull c:pull"]);
        let elsewhere = ["x.example/t < r.example/a r.example/b", "x.example/u < r.example/a r.example/b"];
        assert_eq!(tokens(Rights::Write, &elsewhere), ["a:pull b:pull"]);
        assert_eq!(tokens(Rights::Write, &["< r.example/a r.example/b"]), ["a:pull b:pull"]);
    }

    #[test]
    fn what_nobody_shares_is_asked_for_when_it_is_needed() {
        assert_eq!(tokens(Rights::Write, &["r.example/t <", "x.example/t < r.example/a"]), [""; 0]);
    }

    #[test]
    fn a_long_list_has_several_tokens_each_with_the_target() {
        let list = (0..33).fold("r.example/t <".to_owned(), |list, n| format!("{list} r.example/s{n}"));
        let tokens = tokens(Rights::Write, &[&list]);
        assert_eq!(tokens.iter().map(|token| token.split(' ').count()).collect::<Vec<_>>(), [16, 16, 4]);
        assert!(tokens.iter().all(|token| token.starts_with("t:pull,push s")), "{tokens:?}");
        assert!(tokens[2].ends_with("s32:pull"), "{tokens:?}");
    }

    #[test]
    fn credentials_of_one_namespace_are_not_used_for_another() {
        let lists = ["r.example/t < r.example/a r.example/other/b r.example/other/c"];
        assert_eq!(tokens(Rights::Write, &lists), ["t:pull,push a:pull", "other/b:pull other/c:pull"]);
        let lists = ["r.example/other/t < r.example/a r.example/other/b"];
        assert_eq!(tokens(Rights::Write, &lists), ["other/t:pull,push other/b:pull"]);
    }

    #[test]
    fn a_source_of_several_lists_is_read_by_a_token_that_is_there() {
        let access = |target: &str, own: &str| registry::RepositoryGroup {
            target: Some(repository(target)),
            sources: [own, "r.example/base"].map(repository).into(),
        };
        let groups = vec![access("r.example/t", "r.example/a"), access("r.example/u", "r.example/b")];
        let groups = TokenGroup::all(&Access::new(Rights::Write, groups), &Host::parse("r.example").unwrap());
        let anonymous = Identities::default().of(None);
        let tokens = SharedTokens::new(&groups, |_| Some(Arc::clone(&anonymous)));
        let base = Scopes::default().and_path("base", Right::Pull);
        let chosen = || tokens.choose(&anonymous, &base).unwrap().scopes.path().to_owned();
        assert_eq!(chosen(), "t");
        let second = tokens.choose(&anonymous, &Scopes::default().and_path("b", Right::Pull)).unwrap();
        second.slot().token.set(Ok(Token::for_tests())).unwrap();
        assert_eq!(chosen(), "u");
        assert!(tokens.choose(&anonymous, &Scopes::default().and_path("base", Right::PullPush)).is_none());
        let mount = Scopes::default().and_path("u", Right::PullPush).and_path("base", Right::Pull);
        assert_eq!(tokens.choose(&anonymous, &mount).unwrap().scopes.path(), "u");
    }
}
