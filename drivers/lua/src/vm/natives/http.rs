//! The request that a function answers, and its response.

use super::super::modules::errors;
use super::Natives;
use crate::printable::printable;
use crate::runtime::ERROR_CHARS_MAX;
use mlua::{Lua, LuaString, Table, Value};
use wsrelay_core::fault::HttpFault;
use wsrelay_core::upgrade::{Request, Response, refusal};

pub(super) fn add(natives: &Natives<'_>) -> mlua::Result<()> {
    natives.process("request", |lua, context, ()| {
        let call = context.call.borrow();
        call.as_ref().map(|call| request(lua, &call.request, &call.params)).transpose()
    })?;
    natives.process("respond", |_, context, (status, headers, body): (u16, Table, LuaString)| {
        let mut response = Response::new(status);
        for pair in headers.sequence_values::<Table>() {
            let pair = pair?;
            let (name, value) = (pair.raw_get::<LuaString>(1)?, pair.raw_get::<LuaString>(2)?);
            response.headers.append(name.to_string_lossy(), value.as_bytes().to_vec());
        }
        response.body = body.as_bytes().to_vec().into();
        context.response.replace(Some(response));
        Ok(())
    })?;
    natives.process("respond_failure", |_, context, fault: Value| {
        // For the log alone: it is not the client's fault, and not its business.
        let fault = printable(&errors::words(&fault), ERROR_CHARS_MAX);
        let function = context.program.borrow().code.id.to_string();
        tracing::error!(function, %fault, "function gave no response");
        context.response.replace(Some(refusal(&HttpFault::Handler)));
        Ok(())
    })
}

/// The fields of a request, as the prelude keeps them.
fn request(lua: &Lua, request: &Request, params: &[(String, String)]) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    table.raw_set("_method", &*request.method)?;
    table.raw_set("_path", request.path())?;
    table.raw_set("_body", lua.create_string(&request.body)?)?;
    table.raw_set("_remote", request.peer.map(|peer| peer.to_string()))?;
    let pairs = |pairs: Vec<(&[u8], &[u8])>| {
        let rows = pairs.into_iter().map(|(name, value)| {
            lua.create_sequence_from([lua.create_string(name)?, lua.create_string(value)?])
        });
        lua.create_sequence_from(rows.collect::<mlua::Result<Vec<_>>>()?)
    };
    let headers = request.headers.iter().map(|(name, value)| (name.as_bytes(), &value[..])).collect();
    table.raw_set("_headers", pairs(headers)?)?;
    let query = request.query_pairs();
    let query = query.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
    table.raw_set("_query", pairs(query)?)?;
    table
        .raw_set("_params", lua.create_table_from(params.iter().map(|(name, value)| (&**name, &**value)))?)?;
    Ok(table)
}
