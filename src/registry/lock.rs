//! [`lock`]: a mutex whose holder can't leave half a change behind.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks `mutex`. What this layer guards is changed in single steps, so a panic elsewhere leaves nothing half done.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
