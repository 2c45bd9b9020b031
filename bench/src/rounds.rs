//! Interleaved rounds: every side is measured for a slice of time, one after the other, again and again. A ratio is
//! the median of the rounds' ratios, so that what else the machine does hits both sides.

use std::time::{Duration, Instant};

/// One side of a comparison.
pub struct Side<'a> {
    /// What it is.
    pub name: &'static str,
    /// Does it for so long, and gives the µs each time took.
    times: Box<dyn FnMut(Duration) -> Vec<f64> + 'a>,
}

impl<'a> Side<'a> {
    /// A side that does this, again and again.
    pub fn new(name: &'static str, mut once: impl FnMut() + 'a) -> Self {
        Self::timed(name, move |slice| times(&mut once, slice))
    }

    /// A side that measures itself.
    pub fn timed(name: &'static str, times: impl FnMut(Duration) -> Vec<f64> + 'a) -> Self {
        Self { name, times: Box::new(times) }
    }
}

/// What a side came to, one figure for each round.
#[derive(Debug, Clone, Default)]
pub struct Rounds {
    /// Half of the round's times were shorter; or a rate.
    pub middle: Vec<f64>,
    /// Ninety-nine of a hundred were shorter.
    pub tail: Vec<f64>,
}

impl Rounds {
    /// Adds a round of times.
    pub fn add(&mut self, mut times: Vec<f64>) {
        times.sort_by(f64::total_cmp);
        self.middle.push(of_sorted(&times, 50));
        self.tail.push(of_sorted(&times, 99));
    }

    /// Adds a round that is one figure, such as a rate.
    pub fn add_figure(&mut self, figure: f64) {
        self.middle.push(figure);
    }

    /// The median of the rounds.
    pub fn p50(&self) -> f64 {
        median(self.middle.clone())
    }

    /// The median of the rounds' 99th percentiles.
    pub fn p99(&self) -> f64 {
        median(self.tail.clone())
    }

    /// The median of the ratios to another side, round by round.
    pub fn over(&self, other: &Self) -> f64 {
        median(self.middle.iter().zip(&other.middle).map(|(mine, theirs)| mine / theirs).collect())
    }

    /// As [`Rounds::over`], of the 99th percentiles.
    pub fn tail_over(&self, other: &Self) -> f64 {
        median(self.tail.iter().zip(&other.tail).map(|(mine, theirs)| mine / theirs).collect())
    }
}

/// Runs the sides in turn, `slice` each, `rounds` times, after one round that does not count. Times in µs.
pub fn interleave(sides: &mut [Side<'_>], rounds: usize, slice: Duration) -> Vec<Rounds> {
    let mut found = vec![Rounds::default(); sides.len()];
    for round in 0..=rounds {
        for (side, found) in sides.iter_mut().zip(&mut found) {
            let times = (side.times)(slice);
            if round > 0 {
                found.add(times);
            }
        }
    }
    found
}

fn times(once: &mut impl FnMut(), slice: Duration) -> Vec<f64> {
    let mut times = Vec::new();
    let began = Instant::now();
    let mut last = began;
    while last.duration_since(began) < slice || times.len() < 20 {
        once();
        let now = Instant::now();
        times.push(now.duration_since(last).as_secs_f64() * 1e6);
        last = now;
    }
    times
}

/// The middle one.
pub fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    of_sorted(&all, 50)
}

/// The one that so many of a hundred do not exceed.
pub fn percentile(mut all: Vec<f64>, of_hundred: usize) -> f64 {
    all.sort_by(f64::total_cmp);
    of_sorted(&all, of_hundred)
}

fn of_sorted(sorted: &[f64], of_hundred: usize) -> f64 {
    sorted.get(sorted.len() * of_hundred / 100).or(sorted.last()).copied().unwrap_or(f64::NAN)
}
