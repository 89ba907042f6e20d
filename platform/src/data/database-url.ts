import { accessSync, constants } from 'node:fs'
import { z } from 'zod'

/** Values of `sslmode`. All but `disable` and `no-verify` verify the certificate and its host name. */
export const sslModes = ['disable', 'require', 'verify-ca', 'verify-full', 'no-verify'] as const

const fileParameters = ['sslrootcert', 'sslcert', 'sslkey']
const isReadable = (path: string): boolean => {
  try {
    accessSync(path, constants.R_OK)
    return true
  } catch {
    return false
  }
}

/**
 * The URL of a PostgreSQL database. pg reads `sslmode`, `sslrootcert`, `sslcert` and `sslkey` from it, but ignores an unknown
 * mode, which is therefore refused here.
 */
export const databaseUrl = z.url({ protocol: /^postgres(ql)?$/, abort: true }).check(({ value, issues }) => {
  const addError = (message: string): void => void issues.push({ code: 'custom', input: value, message })
  const { searchParams } = new URL(value)
  const mode = searchParams.get('sslmode')
  if (mode !== null && !sslModes.some((each) => each === mode))
    addError(`sslmode must be one of ${sslModes.join(', ')}`)
  for (const name of fileParameters) {
    const path = searchParams.get(name)
    if (path !== null && !isReadable(path)) addError(`the file of ${name} cannot be read`)
  }
})
