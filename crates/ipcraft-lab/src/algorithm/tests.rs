use ipcraft_step::Shared;

use super::*;
use crate::variables::Layout;

#[test]
fn every_algorithm_lets_a_process_enter_alone_twice() {
    for algorithm in all().iter().filter(|algorithm| algorithm.waiting != Waiting::Kernel) {
        // Strict alternation gives the first turn to process 0, and the second to process 1.
        let turns: &[usize] = if algorithm.id == "alternation" { &[0, 1] } else { &[0, 0, 1, 1] };
        let shared = Shared::new().unwrap();
        let variables = Variables::new(&shared, Layout::OneLine);
        for &me in turns {
            algorithm.announce(variables, me);
            assert!(algorithm.may_enter(variables, me), "{} {me}", algorithm.id);
            algorithm.leave(variables, me);
        }
    }
}

#[test]
fn ids_are_unique() {
    for algorithm in all() {
        assert!(std::ptr::eq(find(algorithm.id).unwrap(), algorithm), "{}", algorithm.id);
    }
}
