"""The messages that the engine's own tasks fail with, and what each is called (engine-semantics §8).

A message is declared as the format that the engine fills; its fixed words identify it. Since obshell 4.3.1 a failure has an error code,
too. Errors are wrapped on their way up, so a message may follow others.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import NamedTuple


class Message(NamedTuple):
    """One message: its name, its error code (None if it never has its own), and its format.

    The format is empty if its fixed words do not identify the message. Then its code alone does.
    """

    name: str
    code: str | None
    format: str


ENGINE_MESSAGES: tuple[Message, ...] = (
    # scheduler and executor
    Message("timeout of the scheduler", None, "sub task timeout"),
    Message("timeout of the executor", None, "task %d timeout"),
    Message("panic", None, "task %d panic: %s"),
    Message("interrupted by a restart", None, "task unexpectedly interrupted and cannot continue"),
    Message("task cannot be rolled back", None, "task %d can not rollback"),
    Message("task of an unknown type", None, "task type %s not register"),
    # main DAGs and their children
    Message("sub-DAGs not created", "Task.SubDag.NotAllCreated", "Sub DAG of agents: %v not created, main DAG failed"),
    Message("sub-DAGs not created", None, "Not all tasks created. main dag failed"),
    Message("sub-DAGs not ready", "Task.SubDag.NotAllReady", "Sub DAG of agents: %v not ready, cannot advance main DAG"),
    Message("sub-DAGs not advanced", "Task.SubDag.NotAllAdvanced", "Sub DAG of agents: %v not advanced, main DAG failed"),
    Message("sub-DAGs not advanced", None, "failed to advance all agents"),
    Message("sub-DAGs failed", "Task.SubDag.NotAllSucceed", "Sub DAG of agents: %v failed, main DAG failed"),
    Message("sub-DAGs failed", None, "not all agents succeed. main dag failed"),
    Message("sub-DAGs not passed", "Task.SubDag.NotAllPassed", "Not all sub DAGs passed, main DAG failed"),
    Message("sub-DAG failed", None, "agent %s not succeed"),
    Message("sub-DAG not ended", None, "%s failed to end the task : %v"),
    Message("sub-DAG not created", None, "%s failed to create the task due to '%v' and will try again[%d/%d]."),
    Message("remote DAG failed", "Task.RemoteTask.Failed", "Remote task %s %s failed"),
    Message("remote DAG not reached", None, "get remote dag failed"),
    Message("remote DAG not watched", None, "watch dag failed"),
    Message("coordinate DAG not retried", "OB.Cluster.ScaleOutRetryCoordinateDagFailed", "Retry coordinate DAG %s failed"),
    Message("child DAG failed", "Task.DagFailed", "DAG %s %s failed"),
    Message("coordinate DAG not retried", None, "retry coordinate dag failed"),
    Message("cancel of a DAG timed out", "Task.Dag.CancelTimeout", "Cancel %d timeout after %d seconds"),
    Message("pass of a DAG timed out", "Task.Dag.PassTimeout", "Pass %d timeout after %d seconds"),
    Message("DAG expired", "Task.Expired", "%s has already executed task %s. '%s: %s' cannot be executed. Please submit a new request"),
    Message("DAG not found", "Task.NotFound", "Task not found"),
    # locks
    Message("agent under maintenance", "Agent.UnderMaintenanceDag", "%s is under maintenance by DAG [%s:%s]"),
    Message("agent under maintenance", None, "agent is under maintain, can not execute task. Current maintain task is %s %s"),
    Message("agent under maintenance", None, "agent is under maintenance"),
    Message(
        "cluster under maintenance",
        "OB.Cluster.UnderMaintenanceWithDag",
        "OceanBase cluster is under maintenance by DAG: %s, please try again later",
    ),
    Message("cluster under maintenance", "OB.Cluster.UnderMaintenance", "OceanBase cluster is under maintenance, please try again later"),
    Message("tenant under maintenance", "OB.Tenant.UnderMaintenance", "Tenant '%s' is under maintenance, please try again later."),
    Message("agent under maintenance", "Agent.UnderMaintenance", "%s is under maintenance"),
    # other agents
    Message("request given up", "Agent.RPC.RequestFailed", "Request [%s]%s to %s failed: %s"),
    Message("request given up", None, "request %s failed: retry %d times"),
    Message("request given up", None, "retry %d times, watch remote task %s %s failed"),
    Message("request failed", "Agent.RPC.RequestError", "Request [%s]%s to %s error: %v"),
    Message("no master agent", "Agent.NoMaster", "Master agent is not found"),
    Message("no agent with an active server", "Agent.NoActiveServer", "No agent with active server found"),
    Message("no active maintainer", "Agent.Maintainer.NotActive", "Maintainer is not active"),
    Message(
        "agent of another identity", "Agent.Identify.NotSupportOperation", "'%s' is '%s', instead of '%s', does not support this operation"
    ),
    Message("agent exists already", "Agent.AlreadyExists", "Agent %s already exists in cluster"),
    Message("agent not available", "Agent.Unavailable", "Agent %s is not available"),
    Message("agent not deleted", None, "delete agent %s failed"),
    Message("OCS instance not found", None, "get ocs instance failed"),
    # observers
    Message("observer does not answer", None, "observer health check timeout"),
    Message("observer does not answer", None, "observer health check failed"),
    Message("observer not started before", "OB.Server.HasNotBeenStarted", "Observer has not started yet, please start it normally"),
    Message("observer process gone", "OB.Server.Process.NotExist", "Observer process does not exist"),
    Message("observer process gone", None, "Observer process not exist"),
    Message("observer process not checked", "OB.Server.Process.CheckFailed", "Check observer process exist: %s"),
    Message("observer not there", "OB.Server.NotExist", "Observer '%s' does not exist"),
    Message("observer not deleting", "OB.Server.NotDeleting", "Observer '%s' is not deleting, status: %s"),
    Message("deletion of an observer not cancelled", None, "cancel delete observer %s failed: %s"),
    Message("servers stopped in several zones", "OB.Server.StoppedInMultiZone", "Cannot stop server or stop zone in multiple zones"),
    Message("minor freeze timed out", "OB.Cluster.MinorFreezeTimeout", "Minor freeze timeout"),
    Message("paxos members not alive", "OB.Cluster.MultiPaxosNotAlive", "Multi paxos member is not alive"),
    Message("zone not empty", "OB.Zone.NotEmpty", "The zone '%s' is not empty and cannot be deleted"),
    Message("database cannot be used", "Agent.OceanBase.Useless", "The current database is useless"),
    Message("operation timed out", "OB.Cluster.AsyncOperationTimeout", ""),
    Message("operation timed out", "Task.Dag.ExecuteTimeout", ""),
    Message("error of the database", "MySQL.Error", "MySQL error: %s"),
    # hosts, packages, scripts
    Message("directory not empty", "Common.DirNotEmpty", "Directory '%s' is not empty"),
    Message("directory not empty", None, "dir '%s' is not empty"),
    Message("disk too small", "Environment.DiskSpaceNotEnough", "The remaining disk space is insufficient, the remaining disk space is %d"),
    Message("file not permitted", "Common.FilePermissionDenied", "No read/write permission for file '%s'"),
    Message("path not there", "Common.PathNotExist", ""),
    Message("Python not installed", "Environment.WithoutPython", "Please check if Python is installed"),
    Message("Python module not installed", "Environment.WithoutModule", "Please check if Python module '%s' is installed"),
    Message("ob_admin not installed", "Environment.WithoutObAdmin", "Please check if ob_admin is installed"),
    Message("obdiag not available", "Environment.Obdiag.NotAvailable", "There is no available obdiag(>=%s) in work directory"),
    Message("package not found", "Agent.Package.NotFound", "Package %v is not found"),
    Message("package not found", "OBProxy.Package.NotFound", "Package %s is not found"),
    Message("package not found", "OBProxy.Package.NotFound", "These files are missing: '%v'"),
    Message("package not found", None, "find target pkg '%s-%s-%s.%s.rpm' failed"),
    Message("packages missing", "OB.Package.NotExist", "These packages are missing: '%v'"),
    Message("package incomplete", "OB.Package.MissingFile", "These files are missing in package '%s': '%v'"),
    Message("package corrupted", "OB.Package.Corrupted", "Package '%s' in OB is corrupted: %s"),
    Message(
        "agent binary not found",
        "Agent.Binary.NotFound",
        "There is no available agent(version: %s, architecture: %s, distribution: %s) in OB",
    ),
    Message("agent not installed", None, "install target agent failed: %s"),
    Message("observer binary not usable", None, "check observer bin failed, err: %s"),
    Message("script failed", None, "execute script '%s' error, execute logs: %s"),
    Message("environment check failed", None, "python environment check failed on agent %s"),
    # versions and upgrades
    Message("versions differ", "Agent.Version.Inconsistent", "obshell version is not consistent between %s(%s) and %s(%s)"),
    Message("versions differ", "Agent.OB.Version.Inconsistent", "OB version is not consistent between %s(%s) and %s(%s)"),
    Message(
        "higher version refused",
        "Agent.TakeOver.HigherVersion",
        "Taking over a higher version agent(%s) into cluster agent(%s) is not allowed",
    ),
    Message(
        "higher version refused",
        "OB.Cluster.ScaleOutHigherVersion",
        "Scaling out a higher version agent %s(%s) into cluster agent %s(%s) is not allowed",
    ),
    Message(
        "lower version refused",
        "OB.Cluster.ScaleOutLowerVersion",
        "Scaling out a lower version agent(%s before %s) into cluster agent(%s) is not allowed",
    ),
    Message("lower version refused", "OBProxy.UpgradeToLowerVersion", "Target version %s is not greater than current version %s."),
    Message(
        "backup tasks running", "OB.Upgrade.HasRunningBackupTask", "There are %d running backup tasks, upgrade is not allowed temporarily"
    ),
    Message("tenants merging", "OB.Upgrade.TenantInMajorCompaction", "There are %s tenants merging"),
    Message("tablets merging", "OB.Upgrade.TabletInMerging", "There are %d tablets merging"),
    # tenants
    Message("tenant exists already", "OB.Tenant.Existed", "Tenant %s already exists"),
    Message("tenant not there", "OB.Tenant.NotExist", "Tenant '%s' does not exist."),
    Message("tenant has no active server", "OB.Tenant.NoActiveServer", "Tenant '%s' has no active server."),
    Message("tenant job in progress", "OB.Tenant.Job.Conflict", "There is already an in-progress '%s' job."),
    Message("tenant job in progress", None, "There already exists a inprogress job alter unit num to %d"),
    Message("tenant job failed", "OB.Tenant.Job.Failed", "Job %d failed, job status is %s."),
    Message("tenant job timed out", "OB.Tenant.Job.WaitTimeout", "Job %d wait timeout."),
    Message("tenant job not there", "OB.Tenant.Job.NotExist", "There is no job of '%s'."),
    Message("resources not enough", "OB.Tenant.ResourceNotEnough", "Server %s %s resource not enough."),
    Message("resource pool granted already", "OB.Resource.Pool.Granted", "Resource pool '%s' has already been granted to a tenant."),
    Message("unit config not there", "OB.Resource.UnitConfig.NotExist", "Unit config '%s' does not exist."),
    Message("root password refused", "OB.Tenant.RootPasswordIncorrect", "The provided password is unable to connect to the tenant"),
    Message("tenant parameter not there", "OB.Tenant.Parameter.NotExist", "Tenant parameter '%s' does not exist."),
    Message("tenant variable not there", "OB.Tenant.Variable.NotExist", "Tenant variable '%s' does not exist."),
    Message("zone has a replica already", "OB.Tenant.ZoneAlreadyHasReplica", "Zone '%s' already has a replica."),
    Message("zone has no replica", "OB.Tenant.ZoneWithoutReplica", "Zone '%s' does not have a replica."),
    Message("last replica not removed", "OB.Tenant.OnlyOneReplica", "Tenant '%s' only has one replica"),
    Message("locality refused", "OB.Tenant.Locality.PrincipalNotAllowed", "Violate locality principal not allowed."),
    # backup and restore
    Message("no user tenants", "OB.Backup.NoUserTenants", "No user tenants found"),
    Message("archive destination not set", "OB.Backup.ArchiveDestEmpty", "Archive destination is empty, tenant: %s(%d)"),
    Message("backup destination not set", "OB.Backup.DataDestEmpty", "Data destination is empty, tenant: %s(%d)"),
    Message("restore not running", "OB.Restore.NotRecovering", "Tenant '%s' is not in restore state"),
    Message("restore succeeded already", "OB.Restore.Task.AlreadySucceed", "restore task was succeed, can not cancel"),
    Message("restore not found", "OB.Restore.Task.NotExist", "there is no restore dag: %s"),
    # obproxy
    Message("obproxy does not answer", "OBProxy.HealthCheckTimeout", "OBProxy health check timeout"),
    Message("obproxy does not answer", None, "obproxy health check failed"),
    Message("obproxy not started", None, "failed to start obproxy, output: %s"),
    Message("obproxy not started", None, "obproxy start failed"),
    Message("obproxy not stopped", "OBProxy.StopTimeout", "Kill OBProxy process timeout"),
    Message("obproxy not stopped", "OBProxy.StopDaemonTimeout", "Kill OBProxyd process timeout"),
    Message("obproxy not restarted", "OBProxy.HotRestartTimeout", "Wait hot restart OBProxy finish timeout"),
    Message("obproxy not running", "OBProxy.NotRunning", "OBProxy is not running"),
    Message("obproxy managed already", "OBProxy.AlreadyManaged", "Agent has already managed OBProxy"),
    Message("no obproxy agent", "OBProxy.NotBeManaged", "This is not an OBProxy agent"),
    Message("obproxy too old", "OBProxy.Version.NotSupported", "OBProxy version %s is lower than the minimum supported version %s"),
    # seekdb
    Message("seekdb does not answer", None, "seekdb health check failed"),
    Message("local role refused", "Standby.Activate.LocalNotStandby", "local role is %s, expected STANDBY for Activate"),
    Message("local role refused", "Standby.Switchover.LocalNotPrimary", "local role is %s, expected PRIMARY for Switchover"),
    Message("peer role refused", "Standby.Switchover.PeerNotStandby", "peer role is %s, expected STANDBY for Switchover"),
    Message("peer not reached", "Standby.Switchover.PeerUnreachable", "standby peer %s:%d is unreachable"),
    Message("peer not found", "Standby.Peer.NotFound", "peer %s:%d not found"),
    Message("peer lags behind", "Standby.Switchover.LagExceedsThreshold", "replication lag ~%ds exceeds threshold %ds"),
    Message("upstream still healthy", "Standby.Activate.UpstreamStillHealthy", "upstream node at %s:%d is still reachable"),
    Message("role not switched", None, "postcheck: local role is %s, expected STANDBY after switchover"),
    # what a task was given, or handed on
    Message("parameter not set", "Task.Param.NotSet", "Parameter '%s' is not set"),
    Message("data not set", "Task.Data.NotSet", "Data '%s' is not set"),
    Message("data not set", "Task.LocalData.NotSet", "Task local data %s not set"),
    Message("data not set", "Task.AgentData.NotSet", "Agent %s data %s not set"),
    Message("data not converted", "Task.LocalData.ConvertFailed", "Convert '%s' failed: %s"),
    Message("illegal argument", "Common.IllegalArgument", "Illegal argument: %v"),
    Message("illegal argument", "Common.IllegalArgument", "The input parameter '%s' is illegal: %s"),
    Message("illegal argument", "Common.InvalidPort", "The port '%s' is invalid, must be in [1024, 65535]"),
    Message("illegal argument", "OB.Cluster.Scope.Invalid", "Scope '%s' is invalid"),
    Message("illegal argument", "OB.Parameter.RsList.Invalid", "rs_list '%s' is invalid: %s"),
    Message("illegal argument", "OB.Tenant.Name.Invalid", "Tenant name '%s' is invalid: %s"),
    Message("operator not supported", "Task.Node.Operator.NotSupport", "Operator %s is not supported"),
    Message("not decrypted", "Security.DecryptFailed", "Decrypt failed: %s"),
    Message("no row affected", "Gorm.NoRowAffected", "%s: no row affected"),
)
"""The messages of the engine, the more special before the more general."""

_FILLED = re.compile(r"'[^']*'|\"[^\"]*\"|\[[^\]]*\]|%[a-z](?: %[a-z])*|\S*\d\S*")
"""What differs from message to message: quoted names, lists, what is filled in, numbers."""
_BEFORE, _AFTER = r"(?:.*(?:: |\] ))?", r"(?:[:,.; ].*)?"


class _Known(NamedTuple):
    """What identifies a message. ``words`` are its longest fixed words, which are searched first because most messages lack them."""

    name: str
    words: str
    expression: str

    def is_in(self, text: str) -> bool:
        return self.words in text and _pattern(self.expression).fullmatch(text) is not None


_pattern = cache(re.compile)
"""The pattern of an expression, made when it is first asked for: all of them take longer to make than most commands take to start."""


def _known(message: Message) -> _Known:
    """Make a pattern of a format that matches the message as it is, or with what differs masked, in lower case."""
    fixed = _FILLED.split(message.format.lower())
    return _Known(message.name, max(fixed, key=len).strip(), _BEFORE + ".*".join(map(re.escape, fixed)) + _AFTER)


_KNOWN = tuple(_known(message) for message in ENGINE_MESSAGES if message.format)
_BY_CODE = {message.code: message.name for message in reversed(ENGINE_MESSAGES) if message.code is not None}


@lru_cache(maxsize=4096)
def known_message(text: str, code: str | None = None) -> str | None:
    """Return the name of a failed task's message, if it is one of the engine's own. ``code`` is its error code, if it has one.

    >>> known_message("check sub dag created failed: Sub DAG of agents: [192.0.2.1:2886] not created, main DAG failed")
    'sub-DAGs not created'
    >>> known_message("Start observer timeout", "OB.Cluster.AsyncOperationTimeout"), known_message("the disk is on fire")
    ('operation timed out', None)
    """
    plain = " ".join(text.lower().split())
    found = next((known.name for known in _KNOWN if known.is_in(plain)), None)
    return found if found is not None or code is None else _BY_CODE.get(code)
