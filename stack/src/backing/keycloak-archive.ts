import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import { dirname, join } from 'node:path'
import { freePorts } from '../profile/ports.ts'
import { launchKeycloak } from './keycloak.ts'
import { signInAsKeycloakAdmin } from './keycloak-admin.ts'
import { classArchive, isKeycloakPrepared, prepareKeycloak } from './keycloak-cache.ts'

const name = 'keycloak-archive'
const adminUser = 'admin'
const adminPassword = 'only-for-the-archive'

/**
 * Writes the class archive (CDS) that makes later starts of Keycloak some seconds faster. It is written once, by a second
 * Keycloak that runs at low priority and is stopped afterwards. The signal aborts it; the next start tries again.
 */
export const archiveKeycloakClasses = async (home: string, signal: AbortSignal): Promise<void> => {
  if (!isKeycloakPrepared()) return
  const distribution = await prepareKeycloak(() => undefined, signal)
  const archive = classArchive(distribution)
  if (existsSync(archive)) return
  const part = `${archive}.${process.pid}`
  const [port = 0, managementPort = 0] = await freePorts(2)
  const url = `http://localhost:${port}`
  const options = { home, port, managementPort, publicUrl: url, adminUser, adminPassword, realmEnv: {}, signal }
  try {
    const jvm = [`-XX:ArchiveClassesAtExit=${part}`, '-Xlog:cds=error', '-Xlog:cds+dynamic=error']
    const child = await launchKeycloak(options, { name, distribution, jvm })
    const abort = () => void child.stop(0)
    signal.addEventListener('abort', abort, { once: true })
    setPriority(child.pid, constants.priority.PRIORITY_LOW)
    // The archive holds the classes that were used, so use the Admin API once.
    await (await signInAsKeycloakAdmin(url, adminUser, adminPassword))
      .call('GET', '/clientele/users')
      .catch(() => undefined)
    const how = await child.stop(120_000)
    signal.removeEventListener('abort', abort)
    if (how === 'SIGKILL' || !existsSync(part)) return
    removeOthers(archive)
    renameSync(part, archive)
  } finally {
    rmSync(part, { force: true })
    rmSync(join(home, name), { recursive: true, force: true })
  }
}

// Archives of another Java version are useless and large.
const removeOthers = (archive: string): void => {
  for (const file of readdirSync(dirname(archive)).filter((entry) => /^classes-[0-9a-f]+\.jsa$/.test(entry))) {
    rmSync(join(dirname(archive), file), { force: true })
  }
}
