/** The message of whatever was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Prints a message, or that of an error, to stderr and ends the command. */
export const fail = (reason: unknown, exitCode = 1): never => {
  console.error(messageOf(reason))
  process.exit(exitCode)
}
