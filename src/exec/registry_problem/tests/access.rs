use super::*;
use crate::registry::{Account, CredentialFault, CredentialOrigin, CredentialSource};

fn anonymous(places: &[&str]) -> AskedAs {
    AskedAs::Anonymous { looked_in: places.iter().map(ToString::to_string).collect() }
}

fn with(origin: CredentialOrigin, place: &str, user: Option<&str>) -> AskedAs {
    let account = user.map_or(Account::IdentityToken, |user| Account::User(user.to_owned()));
    AskedAs::With(Arc::new(CredentialSource { origin, place: place.into(), account }))
}

pub(super) fn docker() -> AskedAs {
    with(CredentialOrigin::Docker, "~/.docker/config.json", Some("ci-bot"))
}

fn unauthorized(credentials: AskedAs) -> RegistryError {
    RegistryError { credentials, ..answered(ErrorKind::Unauthorized, 401, "authentication required") }
}

fn denied(credentials: AskedAs) -> RegistryError {
    RegistryError { credentials, ..answered(ErrorKind::Denied, 403, "Permission uploadArtifacts denied on resource") }
}

#[test]
fn unauthorized_says_where_credentials_were_looked_for() {
    assert_snapshot!(show(&unauthorized(anonymous(&["DOCKER_AUTH_CONFIG", "~/.docker/config.json"]))), @r#"
    mlist::registry::unauthorized
    unauthorized: gcr.io requires credentials to push google_containers/kubectl:v1.3.0
    > 401 "authentication required"
    > no credentials for gcr.io in DOCKER_AUTH_CONFIG, ~/.docker/config.json
    help: run docker login gcr.io, or set `username-env` and `password-env` in [registry."gcr.io"]
    about: gcr.io/google_containers/kubectl:v1.3.0
    retry
    "#);
    let stranger = problem(&unauthorized(anonymous(&[])));
    assert_eq!(stranger.causes[1], "no credentials are used with --untrusted");
    assert_eq!(stranger.help.as_deref(), Some("run mlist without --untrusted if you trust the file"));
}

#[test]
fn unauthorized_says_whose_credentials_are_not_accepted() {
    assert_snapshot!(show(&unauthorized(docker())), @r#"
    mlist::registry::unauthorized
    unauthorized: gcr.io requires valid credentials to push google_containers/kubectl:v1.3.0
    > 401 "authentication required"
    > rejected: credentials from ~/.docker/config.json (user ci-bot)
    help: run docker login gcr.io
    about: gcr.io/google_containers/kubectl:v1.3.0
    retry
    "#);
    assert_snapshot!(show(&unauthorized(AskedAs::Unknown)), @r#"
    mlist::registry::unauthorized
    unauthorized: gcr.io requires credentials to push google_containers/kubectl:v1.3.0
    > 401 "authentication required"
    help: run docker login gcr.io, or set `username-env` and `password-env` in [registry."gcr.io"]
    about: gcr.io/google_containers/kubectl:v1.3.0
    retry
    "#);
}

#[test]
fn each_place_of_credentials_has_its_own_way_to_mend_them() {
    for (credentials, help) in [
        (with(CredentialOrigin::Podman, "~/auth.json", Some("x")), "run podman login gcr.io"),
        (
            with(CredentialOrigin::Inline, "DOCKER_AUTH_CONFIG", Some("x")),
            "correct DOCKER_AUTH_CONFIG: it takes precedence over docker login",
        ),
        (
            with(CredentialOrigin::Named, r#"U, P ([registry."gcr.io"])"#, Some("x")),
            r#"correct the values of U, P ([registry."gcr.io"])"#,
        ),
        (
            with(CredentialOrigin::Helper, "docker-credential-gcr (credHelpers)", Some("x")),
            "log in again with the program that stores the credentials of docker-credential-gcr (credHelpers)",
        ),
    ] {
        assert_eq!(problem(&unauthorized(credentials)).help.unwrap(), help);
    }
}

#[test]
fn denied_names_who_may_not() {
    let helper = with(CredentialOrigin::Helper, "docker-credential-gcr (credHelpers)", Some("ci-bot"));
    assert_snapshot!(show(&denied(helper)), @r#"
    mlist::registry::denied
    permission denied: user ci-bot cannot push google_containers/kubectl:v1.3.0 to gcr.io
    > 403 "Permission uploadArtifacts denied on resource"
    > credentials from docker-credential-gcr (credHelpers)
    help: give user ci-bot permission to push google_containers/kubectl:v1.3.0, or log in with an account that has this permission
    about: gcr.io/google_containers/kubectl:v1.3.0
    retry
    "#);
    let read = problem(&RegistryError { operation: Operation::ReadManifest, ..denied(docker()) });
    assert_eq!(read.message, "permission denied: user ci-bot cannot read google_containers/kubectl:v1.3.0 from gcr.io");
    assert_eq!(read.causes[1], "credentials from ~/.docker/config.json");
    let tags = RegistryError { operation: Operation::ReadTags, target: "gcr.io/a/b".into(), ..denied(docker()) };
    assert_eq!(problem(&tags).message, "permission denied: user ci-bot cannot list the tags of a/b on gcr.io");
    let inline = problem(&denied(with(CredentialOrigin::Inline, "DOCKER_AUTH_CONFIG", Some("x"))));
    let help = "give user x permission to push google_containers/kubectl:v1.3.0, or set the credentials of an account that \
                has this permission";
    assert_eq!(inline.help.unwrap(), help);
}

#[test]
fn denied_of_a_token_or_of_nobody_names_no_user() {
    assert_snapshot!(show(&denied(with(CredentialOrigin::Docker, "~/.docker/config.json", None))), @r#"
    mlist::registry::denied
    permission denied: cannot push google_containers/kubectl:v1.3.0 to gcr.io
    > 403 "Permission uploadArtifacts denied on resource"
    > credentials from ~/.docker/config.json (identity token)
    help: give the account of the token permission to push google_containers/kubectl:v1.3.0, or log in with an account that has this permission
    about: gcr.io/google_containers/kubectl:v1.3.0
    retry
    "#);
    let code = Some("DENIED".to_owned());
    let anonymous = RegistryError {
        code,
        message: None,
        operation: Operation::Read,
        ..denied(anonymous(&["~/.docker/config.json"]))
    };
    assert_snapshot!(show(&anonymous), @r#"
    mlist::registry::denied
    permission denied: cannot read google_containers/kubectl:v1.3.0 from gcr.io
    > 403 DENIED
    > no credentials for gcr.io in ~/.docker/config.json
    help: run docker login gcr.io, or set `username-env` and `password-env` in [registry."gcr.io"]
    about: gcr.io/google_containers/kubectl:v1.3.0
    retry
    "#);
}

#[test]
fn a_helper_that_cannot_be_used_is_told_with_what_can_be_done() {
    let (helper, named_by) = ("docker-credential-ecr-login".to_owned(), "~/.docker/config.json".to_owned());
    let absent = CredentialFault::HelperAbsent { helper: helper.clone(), named_by: named_by.clone() };
    assert_snapshot!(show(&error(ErrorKind::Credentials(absent.into()))), @r#"
    mlist::registry::credentials
    docker-credential-ecr-login not found in PATH
    > ~/.docker/config.json requires it for gcr.io
    help: install docker-credential-ecr-login, or set `username-env` and `password-env` in [registry."gcr.io"]
    "#);
    let failed = CredentialFault::Helper { helper, named_by, why: "failed: no role".into() };
    assert_snapshot!(show(&error(ErrorKind::Credentials(failed.into()))), @r#"
    mlist::registry::credentials
    docker-credential-ecr-login failed: no role
    > ~/.docker/config.json requires it for gcr.io
    help: check the settings of docker-credential-ecr-login, or set `username-env` and `password-env` in [registry."gcr.io"]
    retry
    "#);
}

#[test]
fn a_place_that_cannot_be_used_is_told_with_what_can_be_done() {
    let place = |origin, place: &str| {
        let fault = CredentialFault::Place { origin, place: place.into(), why: "is a directory".into() };
        error(ErrorKind::Credentials(fault.into()))
    };
    assert_snapshot!(show(&place(CredentialOrigin::Docker, "~/.docker/config.json")), @r"
    mlist::registry::credentials
    ~/.docker/config.json is a directory
    > required for gcr.io
    help: correct or remove ~/.docker/config.json, then log in again: docker login gcr.io
    ");
    let help = |origin, name| problem(&place(origin, name)).help.unwrap();
    assert_eq!(
        help(CredentialOrigin::Podman, "~/auth.json"),
        "correct or remove ~/auth.json, then log in again: podman login gcr.io"
    );
    assert_eq!(
        help(CredentialOrigin::Inline, "DOCKER_AUTH_CONFIG"),
        "correct the value of DOCKER_AUTH_CONFIG, or unset DOCKER_AUTH_CONFIG"
    );
    let unset = CredentialFault::Unset { variable: "REGISTRY_PASSWORD".into(), key: "password-env", is_empty: false };
    assert_snapshot!(show(&error(ErrorKind::Credentials(unset.into()))), @r#"
    mlist::registry::credentials
    environment variable REGISTRY_PASSWORD is not set
    > required by `password-env` in [registry."gcr.io"]
    help: set REGISTRY_PASSWORD, or remove `username-env` and `password-env` and log in: docker login gcr.io
    "#);
}

#[test]
fn a_variable_that_is_set_to_nothing_is_empty_and_a_secret_in_place_of_a_name_is_not_shown() {
    let unset = |variable: &str| {
        let fault = CredentialFault::Unset { variable: variable.into(), key: "password-env", is_empty: true };
        show(&error(ErrorKind::Credentials(fault.into())))
    };
    assert!(unset("REGISTRY_PASSWORD").contains("REGISTRY_PASSWORD is empty\n"));
    assert_snapshot!(unset("s3cret-word"), @r#"
    mlist::registry::credentials
    `password-env` in [registry."gcr.io"] is not the name of an environment variable that is set
    > its value is not shown because it may be the password itself
    help: set `password-env` to the name of an environment variable, such as "REGISTRY_PASSWORD"; if you wrote the password itself in manifests.toml, change the password
    "#);
}

#[test]
fn what_is_refused_without_credentials_too_is_told_as_both() {
    let access = AccessFacts { is_refused_without: true, token_server: None };
    let credentials = docker();
    let stale =
        RegistryError { access, credentials, operation: Operation::Read, ..answered(ErrorKind::Denied, 403, "denied") };
    assert_snapshot!(show(&stale), @r#"
    mlist::registry::denied
    permission denied: user ci-bot cannot read google_containers/kubectl:v1.3.0 from gcr.io
    > 403 "denied"
    > credentials from ~/.docker/config.json
    > a request without credentials was also denied
    help: give user ci-bot permission to read google_containers/kubectl:v1.3.0, or log in with an account that has this permission
    about: gcr.io/google_containers/kubectl:v1.3.0
    retry
    "#);
    assert_snapshot!(show(&RegistryError { kind: ErrorKind::Unauthorized, status: Some(401), ..stale }), @r#"
    mlist::registry::unauthorized
    unauthorized: gcr.io requires valid credentials to read google_containers/kubectl:v1.3.0
    > 401 "denied"
    > rejected: credentials from ~/.docker/config.json (user ci-bot)
    > a request without credentials was also denied
    help: run docker login gcr.io
    about: gcr.io/google_containers/kubectl:v1.3.0
    retry
    "#);
}

#[test]
fn a_token_server_elsewhere_is_named() {
    let access = || AccessFacts { is_refused_without: false, token_server: Some("auth.gcr.io".into()) };
    let credentials = docker();
    let refused =
        RegistryError { access: access(), credentials, ..answered(ErrorKind::Unauthorized, 401, "wrong password") };
    assert_snapshot!(show(&refused), @r#"
    mlist::registry::unauthorized
    unauthorized: gcr.io requires valid credentials to push google_containers/kubectl:v1.3.0
    > 401 "wrong password" from the token server auth.gcr.io
    > rejected: credentials from ~/.docker/config.json (user ci-bot)
    help: run docker login gcr.io
    about: gcr.io/google_containers/kubectl:v1.3.0
    retry
    "#);
    let kind = ErrorKind::NotARegistry("the token server returned no token".into());
    assert_snapshot!(show(&RegistryError { access: access(), status: Some(200), ..error(kind) }), @r"
    mlist::registry::not_a_registry
    failed to get a token for gcr.io from auth.gcr.io: unexpected response
    > the token server returned no token
    > auth.gcr.io is the token server of gcr.io
    help: check for a proxy or login page between this machine and auth.gcr.io; otherwise report this to the registry's operator
    retry
    ");
}

#[test]
fn a_token_server_that_fails_is_one_problem_that_names_it() {
    let access = || AccessFacts { is_refused_without: false, token_server: Some("auth.gcr.io".into()) };
    let down = |kind| RegistryError { access: access(), ..error(kind) };
    let gone = || ErrorKind::Unreachable(NoAnswer::not_connected("connection refused (8 attempts in 11s)"));
    assert_snapshot!(show(&down(gone())), @r"
    mlist::registry::unreachable
    cannot connect to auth.gcr.io
    > connection refused (8 attempts in 11s)
    > auth.gcr.io is the token server of gcr.io
    help: check the host name and port, and whether the registry is running
    retry
    ");
    assert_eq!(problem(&down(gone())).http.unwrap().host, "auth.gcr.io");
    let other = RegistryError { target: "gcr.io/other:1".into(), operation: Operation::Read, ..down(gone()) };
    assert_eq!(show(&other), show(&down(gone())));
    assert_snapshot!(show(&down(ErrorKind::RateLimited { retry_after: None })), @r"
    mlist::registry::rate_limited
    rate limited by auth.gcr.io
    > auth.gcr.io is the token server of gcr.io
    help: try again later
    retry
    ");
    assert_snapshot!(show(&RegistryError { attempts: 8, access: access(), ..answered(ErrorKind::Server, 500, "oops") }), @r#"
    mlist::registry::server
    failed to get a token for gcr.io from auth.gcr.io: server error
    > 500 "oops" (8 attempts)
    > auth.gcr.io is the token server of gcr.io
    help: try again later
    retry
    "#);
}

#[test]
fn a_right_is_to_a_repository_and_not_to_one_of_its_blobs() {
    let of = |content: &[u8], error: RegistryError| {
        problem(&RegistryError { target: format!("gcr.io/a/b@{}", Digest::of(content)).as_str().into(), ..error })
    };
    let told = of(b"layer", denied(docker()));
    assert_eq!(told.message, "permission denied: user ci-bot cannot push a/b to gcr.io");
    assert_eq!(told, of(b"config", denied(docker())), "and is told once");
    let told = of(b"layer", unauthorized(anonymous(&["~/.docker/config.json"])));
    assert_eq!(told.message, "unauthorized: gcr.io requires credentials to push a/b");
    assert_eq!(told.reference.as_deref(), Some("gcr.io/a/b"));
}
