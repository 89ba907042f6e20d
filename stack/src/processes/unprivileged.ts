import { accessSync, chownSync, constants, existsSync, lchownSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The account that database and broker run under when we are root: both refuse root, or should. */
export type Account = { name: string; uid: number; gid: number }

const accountNames = ['nobody']

/** The account to drop to, or undefined when this process is an ordinary user already. */
export const unprivilegedAccount = (): Account | undefined => {
  if (process.getuid?.() !== 0) return undefined
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n')
  for (const name of accountNames) {
    const fields = lines.map((line) => line.split(':')).find((line) => line[0] === name)
    if (fields) return { name, uid: Number(fields[2]), gid: Number(fields[3]) }
  }
  throw new Error('running as root, but there is no account "nobody" to run the database and the broker under')
}

/** Gives the folder or file to the account that will write to it. */
export const giveTo = (account: Account | undefined, path: string): void => {
  if (account) chownSync(path, account.uid, account.gid)
}

/** The same for everything below the folder: an earlier start may have run under another account. */
export const giveAllTo = (account: Account | undefined, folder: string): void => {
  if (!account) return
  giveTo(account, folder)
  for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    lchownSync(join(folder, entry), account.uid, account.gid)
  }
}

export type Launch = { command: string; args: string[]; uid?: number; gid?: number }

/**
 * The command as the account. Where a parent folder is closed to it (a clone below /root or a 0700 folder), `setpriv`
 * leaves it the one capability that walks through closed folders, so that nobody's permissions must be changed.
 */
export const launchAs = (account: Account | undefined, command: string, args: string[], paths: string[]): Launch => {
  if (!account) return { command, args }
  if ([command, ...paths].every((path) => isOpenTo(account, path))) {
    return { command, args, uid: account.uid, gid: account.gid }
  }
  const capability = passingCapability()
  const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path))
  if (!capability || !setpriv) {
    throw new Error(
      `the account "${account.name}" cannot reach ${paths.join(', ')}: move the project to an open folder, or run it as an ordinary user`,
    )
  }
  const identity = [`--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups']
  return {
    command: setpriv,
    args: [...identity, `--inh-caps=+${capability}`, `--ambient-caps=+${capability}`, '--', command, ...args],
  }
}

/** Whether every folder above the path lets everybody (or the account) through. */
export const isOpenTo = (account: Account, path: string): boolean => {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const { mode, uid } = statSync(folder)
    if (!(mode & 0o001) && !(uid === account.uid && mode & 0o100)) return false
    if (folder === dirname(folder)) return true
  }
}

const passingCapability = (): string | undefined => {
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
