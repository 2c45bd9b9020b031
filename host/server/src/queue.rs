//! Acts that wait for their commit, tenant by tenant: whoever asks a lot waits behind himself, not before others.

use ledger::TenantId;
use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;

/// Acts of one lane.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    waiting: Mutex<Waiting<T>>,
    changed: Notify,
    /// How many wait at most, and of one tenant.
    max: usize,
    max_of_one: usize,
}

#[derive(Debug)]
struct Waiting<T> {
    of: HashMap<TenantId, VecDeque<T>>,
    /// Whose turn is next. Each tenant that waits stands here once.
    turns: VecDeque<TenantId>,
    len: usize,
    closed: bool,
}

impl<T> Queue<T> {
    pub fn new(max: usize, max_of_one: usize) -> Self {
        let waiting = Waiting { of: HashMap::new(), turns: VecDeque::new(), len: 0, closed: false };
        Self { waiting: Mutex::new(waiting), changed: Notify::new(), max, max_of_one }
    }

    /// Adds an act behind its tenant's others. How many wait now; `None` if it was one too many.
    pub fn push(&self, tenant: &TenantId, act: T) -> Option<usize> {
        let mut waiting = self.waiting();
        if waiting.len >= self.max {
            return None;
        }
        if let Some(own) = waiting.of.get_mut(tenant) {
            if own.len() >= self.max_of_one {
                return None;
            }
            own.push_back(act);
        } else {
            waiting.of.insert(tenant.clone(), VecDeque::from([act]));
            waiting.turns.push_back(tenant.clone());
        }
        waiting.len += 1;
        let depth = waiting.len;
        drop(waiting);
        self.changed.notify_one();
        Some(depth)
    }

    /// Waits for acts and takes at most so many, one of each tenant in turn, and of each no more than `turn` says.
    /// `None` once closed and empty.
    pub async fn take(&self, most: usize, turn: impl Fn(&TenantId) -> usize) -> Option<Vec<T>> {
        loop {
            // Asked for before looking: an act that arrives between the two is not slept through.
            let changed = self.changed.notified();
            if let Some(taken) = self.waiting().take(most, &turn) {
                return taken;
            }
            changed.await;
        }
    }

    /// No more acts will come.
    pub fn close(&self) {
        self.waiting().closed = true;
        self.changed.notify_one();
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting<T>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Waiting<T> {
    /// What can be taken now: acts, or the end (`Some(None)`), or nothing yet.
    fn take(&mut self, most: usize, turn: impl Fn(&TenantId) -> usize) -> Option<Option<Vec<T>>> {
        if self.len == 0 {
            return self.closed.then_some(None);
        }
        let mut taken = Vec::with_capacity(self.len.min(most));
        let mut left: HashMap<TenantId, usize> = HashMap::new();
        let mut sated = VecDeque::new();
        while taken.len() < most
            && let Some(tenant) = self.turns.pop_front()
        {
            let left = left.entry(tenant.clone()).or_insert_with(|| turn(&tenant).max(1));
            let Some(own) = self.of.get_mut(&tenant) else { continue };
            taken.extend(own.pop_front());
            *left -= 1;
            if own.is_empty() {
                self.of.remove(&tenant);
            } else if *left == 0 {
                sated.push_back(tenant);
            } else {
                self.turns.push_back(tenant);
            }
        }
        self.turns.append(&mut sated);
        self.len -= taken.len();
        Some(Some(taken))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(_: &TenantId) -> usize {
        usize::MAX
    }

    fn tenant(name: &str) -> TenantId {
        TenantId::new(name).unwrap()
    }

    #[tokio::test]
    async fn tenants_take_turns_and_each_keeps_its_order() {
        let queue = Queue::new(100, 100);
        for n in 0..6 {
            queue.push(&tenant("loud"), ("loud", n));
        }
        queue.push(&tenant("calm"), ("calm", 0));
        queue.push(&tenant("rare"), ("rare", 0));
        assert_eq!(queue.take(4, all).await, Some(vec![("loud", 0), ("calm", 0), ("rare", 0), ("loud", 1)]));
        queue.push(&tenant("calm"), ("calm", 1));
        assert_eq!(queue.take(3, all).await, Some(vec![("loud", 2), ("calm", 1), ("loud", 3)]));
        assert_eq!(queue.take(9, |_| 1).await, Some(vec![("loud", 4)]));
        assert_eq!(queue.take(9, all).await, Some(vec![("loud", 5)]));
    }

    #[tokio::test]
    async fn one_tenant_fills_its_own_share_and_not_the_queue() {
        let queue = Queue::new(5, 3);
        let pushed: Vec<_> = (0..5).map(|n| queue.push(&tenant("loud"), n)).collect();
        assert_eq!(pushed, [Some(1), Some(2), Some(3), None, None]);
        assert_eq!([queue.push(&tenant("calm"), 0), queue.push(&tenant("rare"), 0)], [Some(4), Some(5)]);
        assert_eq!(queue.push(&tenant("late"), 0), None);
        assert_eq!(queue.take(9, all).await, Some(vec![0, 0, 0, 1, 2]));
        assert_eq!(queue.push(&tenant("loud"), 3), Some(1));
    }

    #[tokio::test]
    async fn a_closed_queue_gives_what_it_has_and_then_ends() {
        let queue = std::sync::Arc::new(Queue::new(5, 5));
        let taker = tokio::spawn({
            let queue = queue.clone();
            async move { [queue.take(9, all).await, queue.take(9, all).await] }
        });
        tokio::task::yield_now().await;
        queue.push(&tenant("calm"), 1);
        queue.close();
        assert_eq!(taker.await.unwrap(), [Some(vec![1]), None]);
    }
}
