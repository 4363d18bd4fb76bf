//! A notice that fails leaves the delivery as it is.

use narae_gitops::handover::{Delivered, Error, ErrorKind};

use crate::fixture::{advance, bare};

#[test]
fn a_failed_notice_is_only_written_down() {
    let (_directory, repository) = bare();
    let commit = advance(&repository, &[("a", Some("1"))]);
    let delivered = Delivered::new(commit)
        .notify("Argo CD", |commit| {
            Err::<(), _>(Error::new(
                ErrorKind::Unreachable,
                format!("{commit:.7}: gone"),
            ))
        })
        .notify("#deployments", |_| Ok("taken"));
    assert_eq!(delivered.commit, commit);
    assert_eq!(repository.tip("main").unwrap(), Some(commit));
    let outcomes: Vec<_> = delivered
        .notices
        .iter()
        .map(|notice| (notice.name.as_str(), notice.result.is_ok()))
        .collect();
    assert_eq!(outcomes, [("Argo CD", false), ("#deployments", true)]);
    let failed: Vec<_> = delivered.failed().collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].1.to_string(), format!("{commit:.7}: gone"));
}
