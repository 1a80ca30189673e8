// Who we are, and whose behaviour we speak.

/** Put in by the build; absent when the sources run as they are. */
declare const VLOT_COMMIT: string | undefined;

/** vlot's own version, the same as in package.json. */
export const vlotVersion = "0.1.0";

/** The git commit that this executable was built from: 12 hex digits, with `-dirty` when files had changed. */
export const vlotCommit = typeof VLOT_COMMIT === "string" ? VLOT_COMMIT : "unknown";

/** The Redis version whose commands, replies and error texts are ours; clients choose features by it. */
export const redisVersion = "7.2.7";
