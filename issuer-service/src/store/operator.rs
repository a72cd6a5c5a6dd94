//! Rows of operators and their roles.

use super::engine::OptionalExtension;
use super::{StoreError, Tx};
use crate::clock;
use crate::operator::{Operator, Role};

impl Tx<'_> {
    /// An active operator.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn operator(&self, name: &str) -> Result<Option<Operator>, StoreError> {
        let mut statement = self.sql.prepare("SELECT name FROM operator WHERE name = $1 AND state = 'active'")?;
        let found: Option<String> = statement.query_row([name], |row| row.get(0)).optional()?;
        found.map(|name| Ok(Operator { roles: self.operator_roles(&name)?, name })).transpose()
    }

    /// All active operators, in order of name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn operators(&self) -> Result<Vec<Operator>, StoreError> {
        let mut statement = self.sql.prepare("SELECT name FROM operator WHERE state = 'active' ORDER BY name")?;
        let names = statement.query_map((), |row| row.get::<String>(0))?.collect::<Result<Vec<_>, _>>()?;
        names.into_iter().map(|name| Ok(Operator { roles: self.operator_roles(&name)?, name })).collect()
    }

    /// As [`Tx::operators`], behind a name, at most so many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn operators_after(&self, after: &str, limit: u32) -> Result<Vec<Operator>, StoreError> {
        let mut find = self
            .sql
            .prepare("SELECT name FROM operator WHERE state = 'active' AND name > $1 ORDER BY name LIMIT $2")?;
        let names = find.query_map((after, limit), |row| row.get::<String>(0))?.collect::<Result<Vec<_>, _>>()?;
        names.into_iter().map(|name| Ok(Operator { roles: self.operator_roles(&name)?, name })).collect()
    }

    /// Registers an operator.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the name is taken.
    pub fn add_operator(&self, name: &str, roles: &[Role]) -> Result<(), StoreError> {
        self.sql.execute(
            "INSERT INTO operator (name, state, created_at) VALUES ($1, 'active', $2)",
            (name, clock::now()),
        )?;
        self.add_roles(name, roles)
    }

    /// Whether there was an operator of this name who is disabled.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn operator_is_closed(&self, name: &str) -> Result<bool, StoreError> {
        let mut find = self.sql.prepare("SELECT name FROM operator WHERE name = $1 AND state = 'closed'")?;
        Ok(find.exists([name])?)
    }

    /// Whether a name is taken, also by one who is disabled: `LI` is nobody else than `li`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn operator_name_is_taken(&self, name: &str) -> Result<bool, StoreError> {
        Ok(self.sql.prepare("SELECT name FROM operator WHERE LOWER(name) = LOWER($1)")?.exists([name])?)
    }

    /// Names of the active operators who hold a role, in order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn holders(&self, role: Role) -> Result<Vec<String>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT o.name FROM operator o JOIN operator_role r ON r.operator = o.name
             WHERE o.state = 'active' AND r.role = $1 ORDER BY o.name",
        )?;
        Ok(find.query_map([role.name()], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Roles instead of those held.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn set_operator_roles(&self, name: &str, roles: &[Role]) -> Result<(), StoreError> {
        self.sql.execute("DELETE FROM operator_role WHERE operator = $1", [name])?;
        self.add_roles(name, roles)
    }

    /// Disables an active operator.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`] when there is none.
    pub(crate) fn close_operator(&self, name: &str) -> Result<(), StoreError> {
        let closed =
            self.sql.execute("UPDATE operator SET state = 'closed' WHERE name = $1 AND state = 'active'", [name])?;
        Self::moved(closed, || format!("operator {name}"), "active")
    }

    fn add_roles(&self, name: &str, roles: &[Role]) -> Result<(), StoreError> {
        for role in roles {
            self.sql.execute(
                "INSERT INTO operator_role (operator, role) VALUES ($1, $2) ON CONFLICT (operator, role) DO NOTHING",
                (name, role.name()),
            )?;
        }
        Ok(())
    }

    fn operator_roles(&self, name: &str) -> Result<Vec<String>, StoreError> {
        let mut statement = self.sql.prepare("SELECT role FROM operator_role WHERE operator = $1 ORDER BY role")?;
        Ok(statement.query_map([name], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }
}
