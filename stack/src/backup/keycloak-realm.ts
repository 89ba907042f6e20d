import { execFile } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { linkPrograms } from '../backing/keycloak.ts'
import type { KeycloakAdmin } from '../backing/keycloak-admin.ts'
import { classArchive, keycloakArgs, keycloakVersion, prepareKeycloak } from '../backing/keycloak-cache.ts'
import { realmName } from '../profile/services.ts'
import { javaCommand } from '../tools/java.ts'

const run = promisify(execFile)

const attempts = 3
/** Keycloak's file database writes to its file up to half a second after a response. */
const settleMs = 1_000

/** The database file of the local profile's Keycloak, or undefined if it does not exist. */
export const localKeycloakFile = (home: string): string | undefined => {
  const file = join(home, 'keycloak', 'data', 'h2', 'keycloakdb.mv.db')
  return existsSync(file) ? file : undefined
}

/**
 * Saves the realm with its users, their passwords and its keys, in Keycloak's export format. The running Keycloak has its
 * database file open, so a second Keycloak exports from a copy. If the copy was made in the middle of a write, it tries again.
 * @returns Keycloak's version
 */
export const saveRealm = async (database: string, folder: string, log: (text: string) => void): Promise<string> => {
  const distribution = await prepareKeycloak(log)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  for (let attempt = 1; ; attempt += 1) {
    const home = mkdtempSync(join(tmpdir(), 'clientele-realm-'))
    try {
      mkdirSync(join(home, 'data', 'h2'), { recursive: true, mode: 0o700 })
      linkPrograms(distribution, home)
      await pause(settleMs)
      copyFileSync(database, join(home, 'data', 'h2', 'keycloakdb.mv.db'))
      const archive = classArchive(distribution)
      const jvm = existsSync(archive) ? [`-XX:SharedArchiveFile=${archive}`] : []
      const file = join(home, 'realm.json')
      const args = ['export', '--optimized', `--file=${file}`, `--realm=${realmName}`]
      await run(javaCommand(), keycloakArgs(distribution, home, args, jvm), {
        cwd: home,
        timeout: 300_000,
        maxBuffer: 16 << 20,
      })
      writeFileSync(join(folder, 'realm.json'), readFileSync(file), { mode: 0o600 })
      return keycloakVersion
    } catch (error) {
      const { stdout } = error as { stdout?: string }
      if (attempt >= attempts)
        throw new Error(`Keycloak could not export its realm: ${(stdout ?? String(error)).trim().slice(-2_000)}`)
    } finally {
      rmSync(home, { recursive: true, force: true })
    }
  }
}

/** Replaces Keycloak's realm by the saved one, with the same ids, passwords and signing keys. */
export const loadRealm = async (signIn: () => Promise<KeycloakAdmin>, folder: string): Promise<void> => {
  const realm: unknown = JSON.parse(readFileSync(join(folder, 'realm.json'), 'utf8'))
  const path = `/${realmName}`
  const before = await signIn()
  if (await before.call('GET', path)) await before.call('DELETE', path)
  // The old token's permissions were for the deleted realm.
  const admin = await signIn()
  await admin.call('POST', '', realm)
}
