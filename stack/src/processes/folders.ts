import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

/** The root folder of the repository. */
export const projectRoot = resolve(import.meta.dirname, '..', '..', '..')

/** The data folder, with data, secrets and logs: `CLIENTELE_HOME`, default `.clientele` in the repository. */
export const homeFolder = (): string => resolve(process.env.CLIENTELE_HOME ?? join(projectRoot, '.clientele'))

/** The cache of what can be downloaded and built again, such as Keycloak and tools. All clones share it. */
export const cacheFolder = (): string => join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'clientele')
