//! Repositories behind the servers people have: `sshd`, and HTTPS with a password. The program is as it is shipped;
//! keys, known hosts, trusted certificates and credentials are where ssh, the system and git look for them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use narae_testservers::{GitHttp, GitHttpOptions, Sshd};

use crate::sandbox::{IMAGE, Sandbox, TO_RC};

/// Delivers, promotes and reads back, with these variables set.
fn delivers(sandbox: &Sandbox, url: &str, environment: &[(&str, String)]) {
    let image = format!("{IMAGE}:8c1d2e3");
    let runs: [&[&str]; 3] = [
        &["set-image", "shop", &image, "--env", "dev"],
        &TO_RC,
        &["history", "shop"],
    ];
    for arguments in runs {
        let mut command = sandbox.command(url, arguments);
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    }
    let file = sandbox.file("rc", "aws", "shop/values.yaml");
    assert!(file.contains("8c1d2e3"), "{file}");
    assert_eq!(sandbox.commits(), 3);
    sandbox.fsck();
}

#[test]
fn a_repository_behind_sshd() {
    let sandbox = Sandbox::new();
    let Some(server) = Sshd::start("", "promotion over ssh") else {
        return;
    };
    let configuration = sandbox.path("ssh_config");
    let text = format!(
        "UserKnownHostsFile {}\nIdentityFile {}\nIdentitiesOnly yes\n",
        server.known_hosts().display(),
        server.identity().display()
    );
    fs::write(&configuration, text).unwrap();
    // ssh takes its configuration from the account's home, whatever HOME says.
    let folder = sandbox.path("bin");
    fs::create_dir(&folder).unwrap();
    let path = std::env::var("PATH").unwrap();
    let script = format!(
        "#!/bin/sh\nPATH='{path}' exec ssh -F '{}' \"$@\"\n",
        configuration.display()
    );
    fs::write(folder.join("ssh"), script).unwrap();
    fs::set_permissions(folder.join("ssh"), fs::Permissions::from_mode(0o755)).unwrap();
    let url = server.address(&sandbox.path("gitops.git"));
    let path = format!("{}:{path}", folder.display());
    delivers(&sandbox, &url, &[("PATH", path)]);
}

#[test]
fn a_repository_behind_https_with_a_password() {
    let sandbox = Sandbox::new();
    let options = GitHttpOptions::new()
        .with_login("ci", "correct horse")
        .with_tls();
    let Some(server) = GitHttp::start(&sandbox.path(""), options, "promotion over https") else {
        return;
    };
    let (certificate, home) = (sandbox.path("ca.pem"), sandbox.path("home"));
    fs::write(&certificate, server.certificate()).unwrap();
    fs::create_dir_all(&home).unwrap();
    let helper = "[credential]\n\thelper = \"!f() { test $1 = get && echo username=ci && echo 'password=correct horse'; }; f\"\n";
    fs::write(home.join(".gitconfig"), helper).unwrap();
    let url = server.address("gitops.git");
    // Not without the certificate.
    let run = sandbox.run_on(&url, &["history", "shop"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains("certificate"), "{run:?}");
    let trusted = [("SSL_CERT_FILE", certificate.display().to_string())];
    delivers(&sandbox, &url, &trusted);
    let told = |seen: &narae_testservers::Seen| seen.authorization.is_some();
    assert!(server.seen().iter().any(told));
}
