//! A running application.

use crate::app::model::{self, CodeKind, EntryId, Service};
use crate::app::{self, Application, Finding, Severity};
use crate::http::{MessageForm, RouteLine, Site};
use crate::runtime::{Hub, HubOptions, Supervisor, supervise, within};
use crate::vm::Programs;
use smol::channel::{self, Receiver};
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs as _};
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use wsrelay_core::fault::HttpFault;
use wsrelay_core::process::{Event, Pid};
use wsrelay_core::relay::RelayOptions;
use wsrelay_core::upgrade::{Request, Response, refusal};
use wsrelay_smol::{Node, Server};

/// An application that was read, compiled and found to be sound, or why it is not.
#[derive(Debug)]
pub struct Checked {
    application: Application,
    programs: Programs,
    sites: BTreeMap<EntryId, Arc<Site>>,
    /// Everything that was found, errors and warnings, by place.
    pub findings: Vec<Finding>,
}

/// Reads and checks the application in a folder; nothing of it runs.
#[must_use]
pub fn check(folder: &Path) -> Checked {
    let app::Loaded { application, mut findings } = app::load(folder);
    let (programs, faults) = Programs::compile(&application);
    findings.extend(faults);
    let mut sites = BTreeMap::new();
    for server in &application.servers {
        let (site, faults) = Site::build(&application, server);
        findings.extend(faults);
        sites.insert(server.id.clone(), Arc::new(site));
    }
    findings.extend(Site::check_strays(&application));
    findings.sort_by(|one, other| one.place.cmp(&other.place).then(one.severity.cmp(&other.severity)));
    findings.dedup();
    Checked { application, programs, sites, findings }
}

impl Checked {
    /// Whether it cannot run.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// What it consists of, for people.
    #[must_use]
    pub fn summary(&self) -> String {
        let application = &self.application;
        let count = |kind| application.code.values().filter(|code| code.kind == kind).count();
        format!(
            "{} servers, {} routers, {} endpoints, {} functions, {} processes, {} libraries, {} services",
            application.servers.len(),
            application.routers.len(),
            application.endpoints.len(),
            count(CodeKind::Function),
            count(CodeKind::Process),
            count(CodeKind::Library),
            application.services.len(),
        )
    }

    /// Its routes, server by server: method, pattern, and the entry that answers.
    pub fn routes(&self) -> impl Iterator<Item = RouteLine> {
        self.sites.values().flat_map(|site| site.routes())
    }

    /// Has the application's only server listen there.
    ///
    /// # Errors
    ///
    /// In words, when there is none, or more than one.
    pub fn listen_on(&mut self, address: SocketAddr) -> Result<(), String> {
        match &mut *self.application.servers {
            [server] => server.addr = address.to_string(),
            servers => {
                return Err(format!("one http.service is expected, the application has {}", servers.len()));
            }
        }
        Ok(())
    }

    fn message_form(&self) -> MessageForm {
        self.sites
            .values()
            .map(|site| site.message_form())
            .find(|form| *form != MessageForm::default())
            .unwrap_or_default()
    }
}

/// Why an application does not run.
#[derive(Debug)]
pub enum StartFault {
    /// It has errors.
    Unsound,
    /// This `http.service` cannot listen there.
    Listen(EntryId, String, io::Error),
    /// The system gives no threads.
    Threads(io::Error),
    /// Its limits cannot work together.
    Limits(EntryId, String),
}

impl fmt::Display for StartFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsound => f.write_str("the application has errors"),
            Self::Listen(id, addr, error) => write!(f, "{id} cannot listen on {addr}: {error}"),
            Self::Threads(error) => write!(f, "cannot start threads: {error}"),
            Self::Limits(id, fault) => write!(f, "{id}: {fault}"),
        }
    }
}

impl std::error::Error for StartFault {}

/// A site that requests find, and that a reload exchanges.
type Shown = Arc<RwLock<Arc<Site>>>;

#[derive(Debug)]
struct Listening {
    addr: String,
    address: SocketAddr,
    /// What all its connections share, since it was started.
    options: Arc<RelayOptions>,
    shown: Shown,
    /// The process that accepts clients, and what ends with it.
    pid: Pid,
    over: Receiver<()>,
}

/// An application that runs.
#[derive(Debug)]
pub struct Instance {
    node: Node,
    hub: Arc<Hub>,
    listening: BTreeMap<EntryId, Listening>,
    supervisors: Vec<Supervisor>,
}

impl Instance {
    /// Starts an application on a node: its servers listen, and its services run, when this is ready.
    ///
    /// # Errors
    ///
    /// [`StartFault`], and nothing is left running.
    pub async fn start(checked: Checked, node: &Node, options: HubOptions) -> Result<Self, StartFault> {
        if checked.has_errors() {
            return Err(StartFault::Unsound);
        }
        let workers = checked.application.hosts.values().filter_map(|host| host.workers).max().unwrap_or(0);
        let options = HubOptions { workers: options.workers.max(workers.min(WORKERS_MAX)), ..options };
        let hub = Hub::start(node, options).map_err(StartFault::Threads)?;
        let mut instance =
            Self { node: node.clone(), hub, listening: BTreeMap::new(), supervisors: Vec::new() };
        match instance.install(checked).await {
            Ok(()) => Ok(instance),
            Err(fault) => {
                instance.hub.stop();
                Err(fault)
            }
        }
    }

    /// Takes a new version of the application. What has not changed goes on undisturbed, with its connections. Services whose
    /// code or settings have changed are started anew; other processes whose code has changed are asked to end, and
    /// ended after `stop_timeout`'s default when they do not.
    ///
    /// # Errors
    ///
    /// [`StartFault`], and the old version runs on.
    ///
    /// Where this is dropped before it is ready, some services are still those of the old version, or none.
    pub async fn reload(&mut self, checked: Checked) -> Result<(), StartFault> {
        if checked.has_errors() {
            return Err(StartFault::Unsound);
        }
        self.install(checked).await
    }

    async fn install(&mut self, checked: Checked) -> Result<(), StartFault> {
        let form = checked.message_form();
        let Checked { application, programs, sites, .. } = checked;
        // Whatever can fail comes first.
        let mut fresh = BTreeMap::new();
        for service in &application.servers {
            let is_kept = self.listening.get(&service.id).is_some_and(|old| old.addr == service.addr);
            let Some(site) = sites.get(&service.id).filter(|_| !is_kept) else { continue };
            let (listener, address) = bind(service)?;
            let shown: Shown = Arc::new(RwLock::new(Arc::clone(site)));
            let server = self.server(site, &shown);
            let server = server.map_err(|fault| StartFault::Limits(service.id.clone(), fault))?;
            let options = site.connection_options().relay;
            fresh.insert(
                service.id.clone(),
                (listener, service.addr.clone(), address, options, server, shown),
            );
        }
        let services = application.services.clone();
        let changed = self.hub.install(application, programs, form);
        // Routes and code are exchanged at once, however long services take.
        for (id, old) in &self.listening {
            if let Some(site) = sites.get(id).filter(|_| !fresh.contains_key(id)) {
                if site.connection_options().relay != old.options {
                    tracing::warn!(
                        server = id.as_str(),
                        "options that hold for the whole server have changed: they take effect when it is started anew"
                    );
                }
                *old.shown.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(site);
            }
        }
        // Processes that services keep alive are their affair.
        let kept: Vec<_> = self.supervisors.iter().filter_map(Supervisor::process).collect();
        self.hub.retire(&kept);
        self.exchange_services(services, &changed).await;
        // Clients of a server that is gone, or has moved, go on; there are no new ones.
        let node = wsrelay_host::Node::clone(&self.node);
        self.listening.retain(|id, old| {
            let stays = sites.contains_key(id) && !fresh.contains_key(id);
            if !stays {
                _ = node.terminate(old.pid);
            }
            stays
        });
        for (id, (listener, addr, address, options, server, shown)) in fresh {
            tracing::info!(server = id.as_str(), "listening on http://{address}/");
            let (pid, over) = self.serve(server, listener, id.clone());
            self.listening.insert(id, Listening { addr, address, options, shown, pid, over });
        }
        Ok(())
    }

    fn server(&self, site: &Site, shown: &Shown) -> Result<Server, String> {
        let (hub, shown) = (Arc::clone(&self.hub), Arc::clone(shown));
        Server::new(self.node.clone(), site.connection_options(), move |request| {
            let (hub, shown) = (Arc::clone(&hub), Arc::clone(&shown));
            async move { answer(&hub, &shown, request).await }
        })
        .map_err(|fault| fault.to_string())
    }

    fn serve(&self, server: Server, listener: TcpListener, id: EntryId) -> (Pid, Receiver<()>) {
        let (alive, over) = channel::bounded::<()>(1);
        let pid = self.node.spawn(move |_| async move {
            if let Err(error) = server.serve(listener).await {
                tracing::error!(server = id.as_str(), %error, "server cannot accept clients");
            }
            drop(alive);
        });
        (pid, over)
    }

    /// Starts the services that are new, stops those that are gone, and starts anew those that have changed.
    async fn exchange_services(&mut self, services: Vec<Service>, changed: &[EntryId]) {
        // One that has ended by itself stays ended, as long as it is the same.
        let old_code = self.hub.with_old_code();
        let is_same = |old: &Supervisor| {
            services.iter().any(|service| service.is_same(&old.service))
                && !changed.contains(&old.service.process)
                && !old.process().is_some_and(|process| old_code.contains_key(&process))
        };
        let (kept, gone): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.supervisors).into_iter().partition(is_same);
        self.supervisors = kept;
        for old in &gone {
            old.ask_to_stop("service stopping");
        }
        for old in gone {
            old.over().await;
        }
        let wanted = services.into_iter().filter(|service| service.lifecycle.auto_start);
        for service in in_order(wanted.collect()) {
            if !self.supervisors.iter().any(|running| running.service.is_same(&service)) {
                let supervisor = supervise(&self.hub, service).await;
                self.supervisors.push(supervisor);
            }
        }
    }

    /// Where each server listens.
    pub fn addresses(&self) -> impl Iterator<Item = (&EntryId, SocketAddr)> {
        self.listening.iter().map(|(id, listening)| (id, listening.address))
    }

    /// The hub of its processes.
    #[must_use]
    pub const fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// Ends the application: clients are closed with 1012 within the window, then services are asked to end, in reverse
    /// order, then everything else. Ready when all of it is over.
    pub async fn stop(mut self, window: Duration) {
        self.node.drain(window);
        for (_, listening) in std::mem::take(&mut self.listening) {
            // Nothing is ever sent: this ends when the other end is gone.
            _ = listening.over.recv().await;
        }
        for supervisor in self.supervisors.drain(..).rev() {
            supervisor.ask_to_stop("service stopping");
            supervisor.over().await;
        }
        self.hub.shut_down(SHUT_DOWN_WAIT).await;
        self.hub.stop();
    }
}

impl Drop for Instance {
    /// An application that is dropped ends without a goodbye: its processes are ended, its servers accept nobody any more.
    fn drop(&mut self) {
        for listening in self.listening.values() {
            // It may have ended already.
            _ = self.node.terminate(listening.pid);
        }
        self.hub.stop();
    }
}

/// Most workers that an application can ask for.
const WORKERS_MAX: usize = 64;
/// How long processes have to end by themselves when the application stops.
const SHUT_DOWN_WAIT: Duration = Duration::from_secs(10);

async fn answer(hub: &Arc<Hub>, shown: &Shown, request: Request) -> Response {
    let site = Arc::clone(&shown.read().unwrap_or_else(PoisonError::into_inner));
    let clock = hub.node().clock();
    let call = |call: crate::http::Call| async move {
        let response = hub.call(call.function.as_str(), call.request, call.params).await;
        response.unwrap_or_else(|| refusal(&HttpFault::Handler))
    };
    site.answer(&|| clock.now(), request, call).await
}

/// A service's listener. A port without a host is listened on at every address of the machine.
fn bind(service: &model::Server) -> Result<(TcpListener, SocketAddr), StartFault> {
    let addr = &service.addr;
    let listener = match addr.strip_prefix(':') {
        Some(port) => TcpListener::bind(format!("[::]:{port}"))
            .or_else(|_| TcpListener::bind(format!("0.0.0.0:{port}"))),
        None => {
            addr.to_socket_addrs().and_then(|addresses| TcpListener::bind(&*addresses.collect::<Vec<_>>()))
        }
    };
    let bound = listener.and_then(|listener| listener.local_addr().map(|address| (listener, address)));
    bound.map_err(|error| StartFault::Listen(service.id.clone(), addr.clone(), error))
}

/// Services after those that they require; what requires itself in a circle comes as it stands.
fn in_order(mut waiting: Vec<Service>) -> Vec<Service> {
    let mut ordered: Vec<Service> = Vec::new();
    while !waiting.is_empty() {
        let free = waiting.iter().position(|one| {
            !one.lifecycle
                .requires
                .iter()
                .any(|id| waiting.iter().any(|other| other.id == *id && other.id != one.id))
        });
        ordered.push(waiting.remove(free.unwrap_or(0)));
    }
    ordered
}

impl Hub {
    /// Takes the code of an application: what is spawned from now on runs it. The entries whose code is another than before.
    pub(crate) fn install(
        &self,
        application: Application,
        programs: Programs,
        message_form: MessageForm,
    ) -> Vec<EntryId> {
        let old = self.exchange(application, programs, message_form);
        let new = self.current();
        let old = old.programs.iter().map(|program| (program.code.id.clone(), program.fingerprint));
        let changed = old.filter(|(id, fingerprint)| {
            new.programs.get(id.as_str()).is_none_or(|program| program.fingerprint != *fingerprint)
        });
        changed.map(|(id, _)| id).collect()
    }

    /// Asks every process to end, and ends those that do not.
    async fn shut_down(&self, wait: Duration) {
        let processes = self.running();
        for pid in &processes {
            _ = self.node().cancel(*pid, "scheduler shutdown");
        }
        let (alive, over) = channel::bounded::<()>(1);
        let watched = processes.clone();
        self.node().spawn(move |context| async move {
            for pid in &watched {
                // One that has ended is told as such at once.
                _ = context.monitor(*pid);
            }
            let mut left = watched.len();
            while left > 0 {
                if let Event::Exit { .. } = context.event().await {
                    left -= 1;
                }
            }
            drop(alive);
        });
        // Nothing is ever sent: this ends when the other end is gone.
        if within(wait, over.recv()).await.is_none() {
            for pid in processes {
                _ = self.node().terminate(pid);
            }
        }
    }
}
