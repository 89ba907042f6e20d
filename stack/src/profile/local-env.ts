import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { messageOf } from '../processes/fail.ts'
import { projectRoot } from '../processes/folders.ts'
import { type PortName, type Ports, portOf } from './ports.ts'
import { type Secrets, secretOf } from './secrets.ts'

/** The values of the placeholders in a `local.env`: `${home}`, `${publicUrl}`, `${port.SMTP_PORT}`, `${secret.callback}`. */
export type Placeholders = {
  home: string
  publicUrl: string
  port: (name: string) => string
  secret: (name: string) => string
}

/** The values of the placeholders in the local profile. */
export const localPlaceholders = (profile: {
  home: string
  publicUrl: string
  ports: Ports
  secrets: Secrets
}): Placeholders => ({
  home: profile.home,
  publicUrl: profile.publicUrl,
  port: (name) => String(portOf(profile.ports, name as PortName)),
  secret: (name) => secretOf(profile.secrets, name),
})

/** Replaces each `${…}` by its value. @throws Error for an unknown placeholder */
export const fillPlaceholders = (text: string, { home, publicUrl, port, secret }: Placeholders): string =>
  text.replace(/\$\{([^}]*)\}/g, (_, placeholder: string) => {
    const [kind = '', name] = placeholder.split('.', 2)
    if (placeholder === 'home') return home
    if (placeholder === 'publicUrl') return publicUrl
    if (kind === 'port' && name) return port(name)
    if (kind === 'secret' && name) return secret(name)
    throw new Error(`unknown placeholder \${${placeholder}}`)
  })

/**
 * The settings that only this service has in the local profile, from `<service>/local.env` if it exists. A value without a
 * placeholder is a default: that of `env` takes precedence unless it is empty.
 * @throws Error naming the file and the unknown placeholder
 */
export const localEnv = (
  service: string,
  placeholders: Placeholders,
  env: NodeJS.ProcessEnv = {},
): Record<string, string> => {
  const file = join(projectRoot, service, 'local.env')
  if (!existsSync(file)) return {}
  const setting = (name: string, text: string): string =>
    text.includes('${') ? fillPlaceholders(text, placeholders) : env[name] || text
  try {
    const values = Object.entries(parseEnv(readFileSync(file, 'utf8')))
    return Object.fromEntries(values.map(([name, text = '']) => [name, setting(name, text)]))
  } catch (error) {
    throw new Error(`${service}/local.env: ${messageOf(error)}`)
  }
}
