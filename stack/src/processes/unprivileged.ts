import { accessSync, chownSync, constants, existsSync, lchownSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The account that runs the database and the broker if we are root. PostgreSQL refuses to run as root. */
export type Account = { name: string; uid: number; gid: number }

const accountNames = ['nobody']

/** The account to switch to, or undefined if this process does not run as root. @throws Error if the account does not exist */
export const unprivilegedAccount = (): Account | undefined => {
  if (process.getuid?.() !== 0) return undefined
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n')
  for (const name of accountNames) {
    const fields = lines.map((line) => line.split(':')).find((line) => line[0] === name)
    if (fields) return { name, uid: Number(fields[2]), gid: Number(fields[3]) }
  }
  throw new Error(
    'the database and the broker need the account "nobody" when Clientele runs as root: create it, or run as another user',
  )
}

/** Makes the account the owner of a file or folder. */
export const chownTo = (account: Account | undefined, path: string): void => {
  if (account) chownSync(path, account.uid, account.gid)
}

/** Makes the account the owner of a folder and everything in it: an earlier start may have used another account. */
export const chownTreeTo = (account: Account | undefined, folder: string): void => {
  if (!account) return
  chownTo(account, folder)
  for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    lchownSync(join(folder, entry), account.uid, account.gid)
  }
}

export type Launch = { command: string; args: string[]; uid?: number; gid?: number }

/**
 * How to run a command as the account. The account may not be able to reach a path, for example in a clone in /root. Then
 * `setpriv` keeps the one capability that passes folder permissions, so that no permission has to be changed.
 * @throws Error if the account cannot reach a path and there is no `setpriv`
 */
export const launchAs = (account: Account | undefined, command: string, args: string[], paths: string[]): Launch => {
  if (!account) return { command, args }
  if ([command, ...paths].every((path) => isReachableBy(account, path))) {
    return { command, args, uid: account.uid, gid: account.gid }
  }
  const capability = traverseCapability()
  const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path))
  if (!capability || !setpriv) {
    throw new Error(
      `the account "${account.name}" cannot reach ${paths.join(', ')}: move the project to a folder that it can reach, or do not run it as root`,
    )
  }
  const identity = [`--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups']
  return {
    command: setpriv,
    args: [...identity, `--inh-caps=+${capability}`, `--ambient-caps=+${capability}`, '--', command, ...args],
  }
}

/** Whether the account can pass all folders above the path. */
export const isReachableBy = (account: Account, path: string): boolean => {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const { mode, uid } = statSync(folder)
    if (!(mode & 0o001) && !(uid === account.uid && mode & 0o100)) return false
    if (folder === dirname(folder)) return true
  }
}

const traverseCapability = (): string | undefined => {
  const line = /^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'
  const held = BigInt(`0x${line}`)
  if (held & (1n << 2n)) return 'dac_read_search'
  return held & (1n << 1n) ? 'dac_override' : undefined
}

export const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
