import { execFile } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { linkPrograms } from '../backing/keycloak.ts'
import type { KeycloakAdmin } from '../backing/keycloak-admin.ts'
import { classArchive, keycloakArgs, keycloakVersion, preparedKeycloak } from '../backing/keycloak-cache.ts'
import { realmName } from '../profile/services.ts'
import { javaCommand } from '../tools/java.ts'

const run = promisify(execFile)

const attempts = 3
/** Keycloak's file database writes what it has answered within half a second. */
const settleMs = 1_000

/** The database file of the Keycloak that the local profile runs, or undefined where there is none. */
export const localKeycloakFile = (home: string): string | undefined => {
  const file = join(home, 'keycloak', 'data', 'h2', 'keycloakdb.mv.db')
  return existsSync(file) ? file : undefined
}

/**
 * Saves the realm with its people, their passwords and its keys as Keycloak itself exports it. The running Keycloak holds
 * its file, so a copy of the file is what another one reads; a copy that caught a write half done is taken again.
 */
export const saveRealm = async (database: string, folder: string, say: (text: string) => void): Promise<string> => {
  const distribution = await preparedKeycloak(say)
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
        throw new Error(`Keycloak did not export its realm: ${(stdout ?? String(error)).trim().slice(-2_000)}`)
    } finally {
      rmSync(home, { recursive: true, force: true })
    }
  }
}

/** Puts the saved realm in the place of the one that Keycloak has: the same ids, passwords and signing keys. */
export const loadRealm = async (signIn: () => Promise<KeycloakAdmin>, folder: string): Promise<void> => {
  const realm: unknown = JSON.parse(readFileSync(join(folder, 'realm.json'), 'utf8'))
  const path = `/${realmName}`
  const before = await signIn()
  if (await before.call('GET', path)) await before.call('DELETE', path)
  // The rights of the former token were on the realm that is gone.
  const admin = await signIn()
  await admin.call('POST', '', realm)
}
