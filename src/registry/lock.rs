//! [`lock`]: locks a mutex, and ignores poisoning.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks `mutex`. Everything that this layer guards with a mutex is changed in single steps, so a panic of another
/// thread leaves no incomplete change.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
