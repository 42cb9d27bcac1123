//! A plan as statements and messages.

use cognito_model::idp::types::CodeDeliveryDetailsType;
use common::clock::UnixMillis;

use super::names::{self, Moves, Taking};
use super::plan::{Plan, Turn};
use super::proof::{self, Sent, Standing};
use super::waiting;
use crate::codes;
use crate::envelope::PoolKey;
use crate::messages::{Kind, Message};
use crate::pools::Pool;
use crate::store::{Statement, Store};
use crate::users::address::Address;
use crate::users::{Status, User, UserError, rows};

/// A change that is ready to be committed. It misses as a whole when the user, or a name, changed since it was read.
pub struct Prepared {
    pub statements: Vec<Statement>,
    pub messages: Vec<Message>,
    /// `CodeDeliveryDetailsList`.
    pub deliveries: Vec<CodeDeliveryDetailsType>,
    moves: Moves,
    moved_from: usize,
}

impl Prepared {
    /// `status` is the user's after the change.
    pub async fn new(
        store: &Store,
        key: &PoolKey,
        pool: &Pool,
        user: &User,
        plan: &Plan,
        status: Status,
        now: UnixMillis,
    ) -> Result<Self, UserError> {
        let mut moves = names::follow(store, pool, user, &plan.attributes, Taking::Never, now).await?;
        let mut statements = vec![rows::update_profile(user, status, &plan.attributes, now)];
        let moved_from = statements.len();
        statements.append(&mut moves.statements);
        let mut prepared = Self { statements, messages: Vec::new(), deliveries: Vec::new(), moves, moved_from };
        for (address, turn) in &plan.addresses {
            if let Turn::Wait(to) = turn {
                names::refuse_taken(store, pool, user, *address, to).await?;
            }
            prepared.turn(key, pool, user, *address, turn, now)?;
        }
        Ok(prepared)
    }

    /// The refusal that a missed statement means; `None` when the change is to be made anew from the rows.
    pub fn refusal(&self, missed: usize) -> Option<UserError> {
        self.moves.refusal(missed.checked_sub(self.moved_from)?)
    }

    fn turn(
        &mut self,
        key: &PoolKey,
        pool: &Pool,
        user: &User,
        address: Address,
        turn: &Turn,
        now: UnixMillis,
    ) -> Result<(), UserError> {
        let slot = |standing| proof::slot(user, address, standing, "");
        let send = |standing, to| proof::send(key, pool, user, (address, standing, to), Kind::UpdateUserAttribute, now);
        if let Turn::Wait(to) = turn {
            self.statements.push(waiting::put(&pool.id, &user.sub, address, to, now));
            self.add(send(Standing::Waiting, to)?);
            return Ok(());
        }
        self.statements.push(waiting::drop_any(&pool.id, &user.sub, address));
        self.statements.push(codes::discard(slot(Standing::Waiting)));
        match turn {
            Turn::Settled => self.statements.push(codes::discard(slot(Standing::Present))),
            Turn::Prove(to) => self.add(send(Standing::Present, to)?),
            Turn::Kept | Turn::Wait(_) => {}
        }
        Ok(())
    }

    fn add(&mut self, sent: Sent) {
        self.statements.push(sent.statement);
        self.messages.push(sent.message);
        self.deliveries.push(sent.delivery);
    }
}
