// The catalogue of error replies: the error texts that a client can get from vlot, each once. (Not here are those that
// say why an option was not set: they follow from the option table, in `config/`. The parser's stand with its limits.)
// Texts are without the leading dash, ready for `Reply.error`, and where Redis has the error they are those of Redis 7.2
// to the byte; those of the Raft section are RedisRaft's, so that scripts written for it go on working.
//
// Constants are in `errors`, one row each; a text with something to fill in is a function of `errorFor`. What is filled in
// may hold any byte: `Reply.error` turns CR and LF into spaces, as Redis does. This file knows no command and no state.

export const errors = {
  // ---- arguments
  syntax: "ERR syntax error",
  notAnInteger: "ERR value is not an integer or out of range",
  notAFloat: "ERR value is not a valid float",
  invalidCursor: "ERR invalid cursor",

  // ---- keys and databases
  wrongType: "WRONGTYPE Operation against a key holding the wrong kind of value",
  noSuchKey: "ERR no such key",
  sameObject: "ERR source and destination objects are the same",
  databaseOutOfRange: "ERR DB index is out of range",
  firstDatabaseInvalid: "ERR invalid first DB index",
  secondDatabaseInvalid: "ERR invalid second DB index",
  expireNxConflict: "ERR NX and XX, GT or LT options at the same time are not compatible",
  expireGtLtConflict: "ERR GT and LT options at the same time are not compatible",
  objectNoFrequency:
    "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.",

  // ---- strings, counters and bits
  incrementOverflow: "ERR increment or decrement would overflow",
  decrementOverflow: "ERR decrement would overflow",
  incrementNotFinite: "ERR increment would produce NaN or Infinity",
  stringTooLong: "ERR string exceeds maximum allowed size (proto-max-bulk-len)",
  offsetOutOfRange: "ERR offset is out of range",
  lcsNotStrings: "ERR The specified keys must contain string values",
  lcsLengthAndIndexes: "ERR If you want both the length and indexes, please just use IDX.",
  lcsTooMuchMemory: "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len",
  lcsNoMemory: "ERR Insufficient memory, failed allocating transient memory for LCS",

  // ---- connections and permissions
  noAuth: "NOAUTH Authentication required.",
  helloNoAuth:
    "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time",
  wrongPass: "WRONGPASS invalid username-password pair or user is disabled.",
  authWithoutPassword:
    "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
  helloVersionNotAnInteger: "ERR Protocol version is not an integer or out of range",
  noProto: "NOPROTO unsupported protocol version",
  maxClients: "ERR max number of clients reached",
  protectedMode:
    "DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the default user. In this mode connections are only accepted from the loopback interface. If you want to connect from external computers to Redis you may adopt one of the following solutions: 1) Just disable protected mode sending the command 'CONFIG SET protected-mode no' from the loopback interface by connecting to Redis from the same host the server is running, however MAKE SURE Redis is not publicly accessible from internet if you do so. Use CONFIG REWRITE to make this change permanent. 2) Alternatively you can just disable the protected mode by editing the Redis configuration file, and setting the protected mode option to 'no', and then restarting the server. 3) If you started the server manually just for testing, restart it with the '--protected-mode no' option. 4) Setup a an authentication password for the default user. NOTE: You only need to do one of the above things in order for the server to start accepting connections from the outside.",
  clientNameInvalid: "ERR Client names cannot contain spaces, newlines or special characters.",
  clientIdNotPositive: "ERR client-id should be greater than 0",
  clientIdInvalid: "ERR Invalid client ID",
  noSuchClient: "ERR No such client",

  // ---- the server
  shutdownFailed: "ERR Errors trying to SHUTDOWN. Check logs.",
  shutdownNone: "ERR No shutdown in progress.",
  getKeysInvalidCommand: "ERR Invalid command specified",
  getKeysNoKeys: "ERR The command has no key arguments",
  getKeysInvalidCount: "ERR Invalid number of arguments specified for command",
  getKeysInvalidArguments: "ERR Invalid arguments specified for command",

  // ---- Raft: what any command may get
  noCluster: "NOCLUSTER No Raft Cluster",
  noClusterJoining: "NOCLUSTER No Raft Cluster (joining now)",
  replacing: "CLUSTERDOWN This node has damaged files and waits to be replaced: ask another node",
  loading: "LOADING Raft module is loading data",
  clusterDown: "CLUSTERDOWN No raft leader",
  throttled: "THROTTLED too many writes wait for a majority of the nodes",
  timeoutNotCommitted: "TIMEOUT not committed yet",
  timeoutNoQuorum: "TIMEOUT no quorum for read",
  timeoutNoReply: "TIMEOUT no reply from leader",

  // ---- Raft: administration
  notLeader: "ERR not leader",
  transferInProgress: "ERR leader transfer is in progress",
  transferTimedOut: "ERR transfer timed out",
  transferOtherLeader: "ERR different node elected leader",
  votingChangeInProgress: "ERR one voting change only",
  clusterIdLength: "ERR cluster id must be 32 characters",
  clusterAlreadyMember: "ERR Already cluster member",
  clusterSupports: "RAFT.CLUSTER supports INIT / JOIN only",
  joinFailed: "ERR failed to connect to cluster for join, please check log",
  nodeAddressInvalid: "ERR invalid node address",
  otherClusterName: "ERR this cluster has another cluster-name",
  otherClusterId: "ERR this cluster has another id",
  nodeIdInvalid: "ERR invalid node id",
  nodeIdUsed: "ERR node id has already been used in this cluster",
  nodeIdUnknown: "ERR node id does not exist",
  nodeIdRemoved: "ERR node id has been removed from this cluster",
  founderRefused: "ERR this node has promised to join another founder, or is in a cluster already",
  lastVoter: "ERR the last voting node cannot be removed while others have yet to become voters",
  nodeSupports: "ERR RAFT.NODE supports ADD / REMOVE / REPLACE only",
  transferTargetInvalid: "ERR invalid target node id",
  invalidArgument: "ERR invalid argument",
  debugSubcommandInvalid: "ERR invalid debug subcommand",
  debugExecFailed: "Bad command or failed to execute",
  debugNoSuchCommand: "ERR unknown command",
} as const;

/** How much of a name or of the arguments Redis repeats in an error. */
const quotedBytesMax = 128;

/** Texts with something to fill in. All take and give byte strings. */
export const errorFor = {
  /** `command` in lower case; a subcommand with its parent: `client|kill`. */
  wrongArity: (command: string): string => `ERR wrong number of arguments for '${command}' command`,
  unknownCommand,
  /** `parent` as in the table; `given` as the client typed it. */
  unknownSubcommand: (parent: string, given: string): string =>
    `ERR unknown subcommand '${quoted(given)}'. Try ${parent.toUpperCase()} HELP.`,
  /** `command` in lower case. */
  invalidExpireTime: (command: string): string => `ERR invalid expire time in '${command}' command`,
  unsupportedOption: (option: string): string => `ERR Unsupported option ${quoted(option, option.length)}`,
  outOfRangeBetween: (min: number, max: number): string =>
    `ERR value is out of range, value must between ${min} and ${max}`,
  helloSyntax: (option: string): string => `ERR Syntax error in HELLO option '${option}'`,
  /** `attribute` is `lib-name` or `lib-ver`. */
  clientAttributeInvalid: (attribute: string): string =>
    `ERR ${attribute} cannot contain spaces, newlines or special characters.`,
  unrecognizedOption: (option: string): string => `ERR Unrecognized option '${option}'`,
  unknownClientType: (type: string): string => `ERR Unknown client type '${type}'`,
  noSuchUser: (user: string): string => `ERR No such user '${user}'`,
  configUnknownOption: (name: string): string =>
    `ERR Unknown option or number of arguments for CONFIG SET - '${name}'`,
  /** The log cannot take writes; `cause` is the system's error text. The code is Redis' for an AOF that cannot. */
  logUnwritable: (cause: string): string => `MISCONF Errors writing to the Raft log: ${cause}`,
  /** The leader is elsewhere; `host` is an IPv6 address without brackets, an IPv4 address or a name. */
  moved: (slot: number, host: string, port: number): string => `MOVED ${slot} ${host}:${port}`,
  /** RAFT.CONFIG SET, as in RedisRaft's own command of 2020; `reason` is the option table's. */
  raftParameterUnknown: (name: string): string => `ERR invalid parameter '${name}'`,
  raftParameterFixed: (name: string): string => `ERR '${name}' only supported at load time`,
  raftParameterInvalid: (name: string, reason: string): string => `ERR invalid '${name}' value: ${reason}`,
  /** RAFT.NODE ADD with the address of a member. */
  addressInUse: (nodeId: number): string =>
    `ERR node ${nodeId} has this address: remove it first (RAFT.NODE REMOVE ${nodeId})`,
  electionFailed: (reason: string): string => `ERR failed to start an election: ${reason}`,
  /** `text` is one of the parser's, such as `too big inline request`. */
  protocol: (text: string): string => `ERR Protocol error: ${text}`,
} as const;

/** `args[0]` is the unknown command itself. Redis cuts the name, and all its arguments together, after 128 bytes. */
function unknownCommand(args: readonly string[]): string {
  let shown = "";
  for (let index = 1; index < args.length && shown.length < quotedBytesMax; index++) {
    shown += `'${quoted(args[index] ?? "", quotedBytesMax - shown.length)}' `;
  }
  return `ERR unknown command '${quoted(args[0] ?? "")}', with args beginning with: ${shown}`;
}

/** The part that Redis' `%.*s` prints: up to the first zero byte, and at most `bytesMax`. */
function quoted(text: string, bytesMax: number = quotedBytesMax): string {
  const zero = text.indexOf("\0");
  return text.slice(0, zero < 0 ? bytesMax : Math.min(zero, bytesMax));
}
