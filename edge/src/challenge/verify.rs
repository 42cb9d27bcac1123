//! Whether an answer to a puzzle is taken, and the token for it.

use std::time::Duration;

use common::clock::UnixMillis;
use http::HeaderMap;

use super::config::Settings;
use super::failure::Failure;
use super::keys::Keys;
use super::puzzle::{self, Action, Puzzle, Solution, is_solved, seed};
use super::token::{Solved, Token};
use super::{Challenges, Client, Current, Standing, pace};
use crate::files::keys::random;
use crate::replay::Spent;

/// A token, and the domain of its cookie; none: the host alone.
#[derive(Debug)]
pub struct Granted {
    pub token: String,
    pub domain: Option<String>,
}

impl Challenges {
    /// Takes an answer: a solution, or none where a person waited instead. What costs room comes last, so that only good answers take it.
    pub(super) fn verify(
        &self,
        text: &str,
        solution: Option<&Solution>,
        headers: &HeaderMap,
        client: Client<'_>,
    ) -> Result<Granted, Failure> {
        let current = self.current.load();
        let puzzle = Puzzle::open(text, &current.keys);
        let result = match &puzzle {
            None => Err(Failure::Forged),
            Some(puzzle) => judge(puzzle, text, solution, &current, client)
                .and_then(|()| self.spend(puzzle, solution.is_none(), &current.settings, client.now))
                .and_then(|()| self.grant(puzzle, headers, &current.keys, client)),
        };
        let code = result.as_ref().map_or_else(|failure| failure.code(), |_| "solved");
        self.meter.answered(puzzle.map(|puzzle| puzzle.action), code);
        result
    }

    /// Uses it up.
    fn spend(&self, puzzle: &Puzzle, waited: bool, settings: &Settings, now: UnixMillis) -> Result<(), Failure> {
        let limit = settings.unscripted.map_or(0, |rule| rule.limit);
        if waited && !self.pace.take(puzzle.network, limit, now) {
            return Err(Failure::Paced(pace::next_window(now)));
        }
        match self.spent.spend_once(puzzle.id(), puzzle.made.plus(settings.life), now) {
            Spent::Now => Ok(()),
            Spent::Before => Err(Failure::Used),
            Spent::NoRoom => Err(Failure::Full),
        }
    }

    /// What the client has solved before stays in its token.
    fn grant(&self, puzzle: &Puzzle, headers: &HeaderMap, keys: &Keys, client: Client<'_>) -> Result<Granted, Failure> {
        let domain = puzzle.domain.as_deref().unwrap_or(&puzzle.host);
        let now = client.now.seconds();
        let mut token = match self.standing(headers, domain, &[], client.now) {
            Standing::Good(token) => Token { issued: now, ..token },
            _ => Token {
                session: random().map_err(|_| Failure::Internal)?,
                domain: domain.to_owned(),
                issued: now,
                challenge: None,
                captcha: None,
            },
        };
        let solved = Some(Solved { at: now, difficulty: puzzle.difficulty });
        match puzzle.action {
            Action::Challenge => token.challenge = solved,
            Action::Captcha => token.captcha = solved,
        }
        Ok(Granted { token: token.seal(keys), domain: puzzle.domain.clone() })
    }
}

fn judge(
    puzzle: &Puzzle,
    text: &str,
    solution: Option<&Solution>,
    current: &Current,
    client: Client<'_>,
) -> Result<(), Failure> {
    if puzzle.host != client.host {
        return Err(Failure::OtherHost);
    }
    if !puzzle::networks(&current.keys, client.address).any(|network| network == puzzle.network) {
        return Err(Failure::OtherNetwork);
    }
    let settings = &current.settings;
    let age = puzzle.age(client.now).filter(|age| *age <= settings.life).ok_or(Failure::Expired)?;
    let wait = match (solution, settings.unscripted) {
        (Some(_), _) => settings.wait(puzzle.action),
        (None, Some(rule)) => rule.wait,
        (None, None) => return Err(Failure::NeedsScripts),
    };
    let left = wait.saturating_sub(age);
    if left > Duration::ZERO {
        return Err(Failure::Early(left));
    }
    match solution {
        Some(solution) if !is_solved(&seed(text), puzzle.bits(), solution) => Err(Failure::Unsolved),
        _ => Ok(()),
    }
}
