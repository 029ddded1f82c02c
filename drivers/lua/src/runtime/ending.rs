//! How a Lua process ends, and who hears of it.

use super::context::Context;
use super::door::Completion;
use super::start::Reply;
use crate::printable::printable;
use crate::vm::Values;
use crate::vm::modules::errors::{ErrorObject, Kind};
use wsrelay_core::fault::HttpFault;
use wsrelay_core::message::Term;
use wsrelay_core::process::ExitReason;
use wsrelay_core::upgrade::refusal;

/// Most that is logged of an error, and of the way to it.
pub(crate) const ERROR_CHARS_MAX: usize = 4096;

/// The script has come to its end.
pub(super) fn finish(context: &Context, ended: Option<Reply>, result: Result<Values, ErrorObject>) {
    let reason = match result {
        Ok(values) if values.is_nil() => ExitReason::Normal,
        Ok(values) => ExitReason::Returned(Term::new(values)),
        // A source that could not be loaded is its spawner's affair alone, if there is one.
        Err(error) if context.not_loaded(&error) => ExitReason::Normal,
        Err(error) => {
            let entry = context.program.borrow().code.id.to_string();
            let traceback = printable(&error.stack(), ERROR_CHARS_MAX);
            let words = printable(&error.to_string(), ERROR_CHARS_MAX);
            tracing::error!(pid = %context.pid(), entry, error = %words, %traceback, "process failed");
            ExitReason::Raised(Term::new(Values::from_error(error)))
        }
    };
    end(context, ended, reason);
}

/// Ends the process, and tells whoever waits for its result.
pub(super) fn end(context: &Context, ended: Option<Reply>, reason: ExitReason) {
    if context.has_subscriptions.get() {
        context.hub.bus.leave(context.pid());
    }
    let error = exit_error(&reason);
    let unloaded = || ErrorObject::new(Kind::Canceled, "the process ended");
    context.not_loaded(&error.clone().unwrap_or_else(unloaded));
    let result = match (error, &reason) {
        (Some(error), _) => Completion::Failed(error),
        (None, ExitReason::Returned(term)) => {
            Completion::Returned(term.downcast_ref::<Values>().cloned().unwrap_or_default())
        }
        (None, _) => Completion::Returned(Values::default()),
    };
    context.hub.ran(context.pid());
    context.door.cell().end(reason);
    // A function's response goes out once it has ended, so that whoever got it finds its relations ended too.
    if let Some(call) = context.call.take() {
        let response = context.response.take().unwrap_or_else(|| refusal(&HttpFault::Handler));
        _ = call.reply.try_send(response);
    }
    if let Some(reply) = ended {
        reply.give(result);
    }
}

/// An abnormal end as an error; `None` for a normal one.
pub(crate) fn exit_error(reason: &ExitReason) -> Option<ErrorObject> {
    let (kind, message) = match reason {
        ExitReason::Normal | ExitReason::Returned(_) | ExitReason::Shutdown => return None,
        ExitReason::Killed => (Kind::Internal, "process terminated".to_owned()),
        ExitReason::NoProcess => (Kind::NotFound, "process not found".to_owned()),
        ExitReason::NodeLost => (Kind::Unavailable, "node lost".to_owned()),
        ExitReason::Linked => (Kind::Internal, "linked process failed".to_owned()),
        ExitReason::Crashed(why) => (Kind::Internal, why.to_string()),
        ExitReason::Raised(term) => match term.downcast_ref::<Values>().and_then(Values::error) {
            Some(error) => return Some(error.clone()),
            None => (Kind::Internal, term.to_string()),
        },
    };
    Some(ErrorObject::new(kind, message))
}
