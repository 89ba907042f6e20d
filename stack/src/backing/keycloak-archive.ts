import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import { dirname, join } from 'node:path'
import { freePorts } from '../profile/ports.ts'
import { launchKeycloak } from './keycloak.ts'
import { keycloakAdmin } from './keycloak-admin.ts'
import { classArchive, isKeycloakPrepared, preparedKeycloak } from './keycloak-cache.ts'

const name = 'keycloak-archive'
const adminUser = 'admin'
const adminPassword = 'only-for-the-archive'

/**
 * Writes the archive of classes that makes every later start of Keycloak some seconds shorter: once, from a second
 * Keycloak of low priority that nobody uses and that goes away. Given up by the signal; the next start tries again.
 */
export const archiveKeycloakClasses = async (home: string, signal: AbortSignal): Promise<void> => {
  if (!isKeycloakPrepared()) return
  const distribution = await preparedKeycloak(() => undefined, signal)
  const archive = classArchive(distribution)
  if (existsSync(archive)) return
  const part = `${archive}.${process.pid}`
  const [port = 0, managementPort = 0] = await freePorts(2)
  const url = `http://localhost:${port}`
  const options = { home, port, managementPort, publicUrl: url, adminUser, adminPassword, realmEnv: {}, signal }
  try {
    const jvm = [`-XX:ArchiveClassesAtExit=${part}`, '-Xlog:cds=error', '-Xlog:cds+dynamic=error']
    const child = await launchKeycloak(options, { name, distribution, jvm })
    const giveUp = () => void child.stop(0)
    signal.addEventListener('abort', giveUp, { once: true })
    setPriority(child.pid, constants.priority.PRIORITY_LOW)
    // What is used once is in the archive.
    await (await keycloakAdmin(url, adminUser, adminPassword)).call('GET', '/clientele/users').catch(() => undefined)
    const how = await child.stop(120_000)
    signal.removeEventListener('abort', giveUp)
    if (how === 'SIGKILL' || !existsSync(part)) return
    removeOthers(archive)
    renameSync(part, archive)
  } finally {
    rmSync(part, { force: true })
    rmSync(join(home, name), { recursive: true, force: true })
  }
}

// Those of a Java that is no longer here are of no use, and large.
const removeOthers = (archive: string): void => {
  for (const file of readdirSync(dirname(archive)).filter((entry) => /^classes-[0-9a-f]+\.jsa$/.test(entry))) {
    rmSync(join(dirname(archive), file), { force: true })
  }
}
