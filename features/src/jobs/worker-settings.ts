// The database is what jobs work on. Tokens, events and links are none of their business.
const neededSecrets = new Set(['databaseUrl'])
const secretKey = /(?:key|keys|keysAccepted|secret|password|url|dsn|endpoint)$/i

/** The settings that a worker process gets: all but secrets and addresses, which the files that it reads could be after. */
export const workerConfig = <C extends object>(config: C): C =>
  Object.fromEntries(Object.entries(config).filter(([key]) => neededSecrets.has(key) || !secretKey.test(key))) as C

const neededVariable = /^(?:PATH|TZ|LANG|LC_\w+|TMPDIR|NODE_(?!OPTIONS)\w+|MALLOC_\w+|PGSSL\w+|TEST_LOG)$/

/** The environment variables that a worker process gets. Settings come by message instead. */
export const workerEnvironment = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => neededVariable.test(name)))
