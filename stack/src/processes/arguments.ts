import { type ParseArgsConfig, parseArgs } from 'node:util'
import { fail, messageOf } from './fail.ts'

/** Parses the arguments of a command. If they are wrong, prints why and the usage, and ends the command. */
export const parseArguments = <const T extends ParseArgsConfig>(
  config: T,
  usage: string,
  exitCode = 1,
): ReturnType<typeof parseArgs<T>> => {
  try {
    return parseArgs(config)
  } catch (error) {
    return fail(`${messageOf(error)}\n${usage}`, exitCode)
  }
}
