//! [`Window`]: so many permits, and repeated requests get theirs before new ones.
//!
//! What was asked already is nearer to its end and holds more up; were it to line up behind all that is new, one fault
//! would cost a request the whole queue once more.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::sync::oneshot;

use crate::registry::lock::lock;

/// Permits for so many at once.
pub(crate) struct Window(Mutex<Line>);

struct Line {
    free: usize,
    repeated: VecDeque<oneshot::Sender<Place>>,
    new: VecDeque<oneshot::Sender<Place>>,
}

/// A place in a [`Window`]; it goes to the next who waits when it is dropped.
pub(crate) struct Place(Option<Arc<Window>>);

/// Who is let through first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Sent before, and to be sent again.
    Repeated,
    /// Never sent.
    New,
}

impl Window {
    pub(crate) fn new(permits: usize) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Line { free: permits, repeated: VecDeque::new(), new: VecDeque::new() })))
    }

    /// Waits for a place.
    pub(crate) async fn enter(self: &Arc<Self>, turn: Turn) -> Place {
        let called = {
            let mut line = lock(&self.0);
            if line.free > 0 {
                line.free -= 1;
                return Place(Some(Arc::clone(self)));
            }
            let (call, called) = oneshot::channel();
            match turn {
                Turn::Repeated => line.repeated.push_back(call),
                Turn::New => line.new.push_back(call),
            }
            called
        };
        // The line, and with it the other end, lives as long as this window.
        called.await.unwrap_or(Place(None))
    }

    /// Hands a place to the next in line who still waits.
    fn hand_on(self: &Arc<Self>) {
        loop {
            let next = {
                let mut line = lock(&self.0);
                let next = line.repeated.pop_front().or_else(|| line.new.pop_front());
                if next.is_none() {
                    line.free += 1;
                }
                next
            };
            match next.map(|next| next.send(Place(Some(Arc::clone(self))))) {
                // Who waited has left meanwhile: it is no place any more, and the next is asked.
                Some(Err(mut refused)) => refused.0 = None,
                Some(Ok(())) | None => return,
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(window) = self.0.take() {
            window.hand_on();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt as _;
    use tokio::time::timeout;

    use super::*;

    const SOON: Duration = Duration::from_millis(10);

    #[tokio::test(start_paused = true)]
    async fn who_was_here_before_goes_first() {
        let window = Window::new(1);
        let first = window.enter(Turn::New).await;
        let order = Mutex::new(Vec::new());
        let visit = |name: &'static str, turn| {
            let (window, order) = (&window, &order);
            async move {
                let _place = window.enter(turn).await;
                order.lock().unwrap().push(name);
            }
        };
        let visits = futures_util::future::join_all([
            visit("new", Turn::New),
            visit("newer", Turn::New),
            visit("repeated", Turn::Repeated),
            visit("repeated too", Turn::Repeated),
        ]);
        let opened = async {
            tokio::time::sleep(SOON).await;
            drop(first);
        };
        tokio::join!(visits, opened);
        assert_eq!(*order.lock().unwrap(), ["repeated", "repeated too", "new", "newer"]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_leaves_the_line_loses_no_place() {
        let window = Window::new(2);
        let (a, b) = (window.enter(Turn::New).await, window.enter(Turn::Repeated).await);
        assert!(timeout(SOON, window.enter(Turn::Repeated)).await.is_err());
        // Called, and gone before it could come.
        let mut called = Box::pin(window.enter(Turn::New));
        assert!((&mut called).now_or_never().is_none());
        drop(a);
        drop(called);
        drop(b);
        let places = [window.enter(Turn::New).now_or_never(), window.enter(Turn::New).now_or_never()];
        assert!(places.iter().all(Option::is_some), "both are free again");
        assert!(window.enter(Turn::Repeated).now_or_never().is_none(), "and no more than both");
    }
}
