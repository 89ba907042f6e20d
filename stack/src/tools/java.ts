import { realpathSync, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { isExecutable } from '../processes/unprivileged.ts'

export const javaCommand = (env: NodeJS.ProcessEnv = process.env): string =>
  env.JAVA_HOME ? join(env.JAVA_HOME, 'bin', 'java') : 'java'

/** A text that changes when `javaCommand` becomes another program: its path, size and date. */
export const javaIdentity = (env: NodeJS.ProcessEnv = process.env): string => {
  const command = javaCommand(env)
  const candidates = (env.PATH ?? '').split(delimiter).map((folder) => join(folder, command))
  const found = command.includes('/') ? command : (candidates.find(isExecutable) ?? command)
  try {
    const path = realpathSync(found)
    const { size, mtimeMs } = statSync(path)
    return `${path} ${size} ${mtimeMs}`
  } catch {
    return found
  }
}
