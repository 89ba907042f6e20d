import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

/** The folder that holds the repository. */
export const projectRoot = resolve(import.meta.dirname, '..', '..', '..')

/** Where data, secrets and logs live; `CLIENTELE_HOME` moves it. */
export const homeFolder = (): string => resolve(process.env.CLIENTELE_HOME ?? join(projectRoot, '.clientele'))

/** What can be made again: prepared Keycloak, built tools. Shared between clones. */
export const cacheFolder = (): string => join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'clientele')
