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

    /// Registers an operator.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the name is taken.
    pub fn add_operator(&self, name: &str, roles: &[Role]) -> Result<(), StoreError> {
        self.sql.execute(
            "INSERT INTO operator (name, state, created_at) VALUES ($1, 'active', $2)",
            (name, clock::now()),
        )?;
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
