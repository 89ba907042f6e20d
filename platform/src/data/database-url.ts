import { accessSync, constants } from 'node:fs'
import { z } from 'zod'

/** How a connection is protected. The modes between `disable` and `no-verify` all check the certificate and its host name. */
export const sslModes = ['disable', 'require', 'verify-ca', 'verify-full', 'no-verify'] as const

const files = ['sslrootcert', 'sslcert', 'sslkey']
const isReadable = (path: string): boolean => {
  try {
    accessSync(path, constants.R_OK)
    return true
  } catch {
    return false
  }
}

/**
 * The address of a PostgreSQL. `sslmode`, `sslrootcert`, `sslcert` and `sslkey` in it are obeyed by pg, to which an unknown mode
 * is none: it is refused here.
 */
export const databaseUrl = z.url({ protocol: /^postgres(ql)?$/, abort: true }).check(({ value, issues }) => {
  const refuse = (message: string): void => void issues.push({ code: 'custom', input: value, message })
  const { searchParams } = new URL(value)
  const mode = searchParams.get('sslmode')
  if (mode !== null && !sslModes.some((each) => each === mode)) refuse(`sslmode must be one of ${sslModes.join(', ')}`)
  for (const name of files) {
    const path = searchParams.get(name)
    if (path !== null && !isReadable(path)) refuse(`the file of ${name} cannot be read`)
  }
})
