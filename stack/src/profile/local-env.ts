import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { projectRoot } from '../processes/folders.ts'
import { type PortName, type Ports, portOf } from './ports.ts'
import { type Secrets, secretOf } from './secrets.ts'

/** What the placeholders of a `local.env` stand for: `home`, `publicUrl`, `port.SMTP_PORT`, `secret.callback`. */
export type Placeholders = {
  home: string
  publicUrl: string
  port: (name: string) => string
  secret: (name: string) => string
}

/** The placeholders' values in the local profile. */
export const localPlaceholders = (place: {
  home: string
  publicUrl: string
  ports: Ports
  secrets: Secrets
}): Placeholders => ({
  home: place.home,
  publicUrl: place.publicUrl,
  port: (name) => String(portOf(place.ports, name as PortName)),
  secret: (name) => secretOf(place.secrets, name),
})

/** `text` with a value in place of each `${…}`. @throws Error naming a placeholder that is unknown */
export const fillPlaceholders = (text: string, { home, publicUrl, port, secret }: Placeholders): string =>
  text.replace(/\$\{([^}]*)\}/g, (_, placeholder: string) => {
    const [kind = '', name] = placeholder.split('.', 2)
    if (placeholder === 'home') return home
    if (placeholder === 'publicUrl') return publicUrl
    if (kind === 'port' && name) return port(name)
    if (kind === 'secret' && name) return secret(name)
    throw new Error(`there is no placeholder \${${placeholder}}`)
  })

/**
 * The settings that a service needs in the local profile besides those that all services get: `<service>/local.env`, where
 * there is one. @throws Error naming the file and an unknown placeholder
 */
export const localEnv = (service: string, placeholders: Placeholders): Record<string, string> => {
  const file = join(projectRoot, service, 'local.env')
  if (!existsSync(file)) return {}
  const values = Object.entries(parseEnv(readFileSync(file, 'utf8')))
  try {
    return Object.fromEntries(values.map(([name, value]) => [name, fillPlaceholders(value ?? '', placeholders)]))
  } catch (error) {
    throw new Error(`${service}/local.env: ${error instanceof Error ? error.message : String(error)}`)
  }
}
