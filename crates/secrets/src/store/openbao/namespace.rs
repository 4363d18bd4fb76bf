//! Namespaces: servers within the server, by path.

use super::OpenBao;
use super::options::check_namespace;
use super::request::Request;
use crate::store::{StoreError, StoreErrorKind};

impl OpenBao {
    /// The same connection and token, working in another namespace, given in full: `team-a/dev`.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Configuration`] when it is not a path.
    pub fn in_namespace(&self, namespace: &str) -> Result<Self, StoreError> {
        check_namespace(namespace).map_err(|kind| self.error(kind, None))?;
        Ok(Self {
            namespace: Some(namespace.to_owned()),
            // Other engines are mounted there.
            mounts: std::sync::Arc::default(),
            ..self.clone()
        })
    }

    /// The names of the namespaces directly within this one.
    ///
    /// # Errors
    ///
    /// As for any request.
    pub fn namespaces(&self) -> Result<Vec<String>, StoreError> {
        let list = || match self.send("sys", &Request::list(&["sys/namespaces"])) {
            Ok(answer) => Ok(answer.keys()?),
            Err(StoreErrorKind::NotFound) => Ok(Vec::new()),
            Err(kind) => Err(kind),
        };
        let names = list().map_err(|kind| self.error(kind, None))?;
        let bare = |name: String| name.trim_end_matches('/').to_owned();
        Ok(names.into_iter().map(bare).collect())
    }

    /// Makes a namespace within this one; one that is there stays as it is.
    ///
    /// # Errors
    ///
    /// As for any request.
    pub fn create_namespace(&self, name: &str) -> Result<(), StoreError> {
        let nothing = std::collections::BTreeMap::<&str, &str>::new();
        let create = || {
            check_namespace(name)?;
            let request = Request::post(&["sys/namespaces", name], &nothing)?.repeatable();
            self.send("sys", &request).map(drop)
        };
        create().map_err(|kind| self.error(kind, None))
    }

    /// Removes a namespace with all that is in it.
    ///
    /// # Errors
    ///
    /// As for any request.
    pub fn delete_namespace(&self, name: &str) -> Result<(), StoreError> {
        let delete = || {
            check_namespace(name)?;
            let request = Request::delete(&["sys/namespaces", name]);
            self.send("sys", &request).map(drop)
        };
        delete().map_err(|kind| self.error(kind, None))
    }
}
