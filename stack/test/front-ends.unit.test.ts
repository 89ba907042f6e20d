import { registry } from '@clientele/contracts/services'
import { loadConfig } from '@clientele/platform/runtime/config'
import { configShape } from '../../gateway/src/config.ts'
import { frontEndOriginsOf, localFrontEnds } from '../src/backing/front-ends.ts'
import { portDefaultsOf } from '../src/profile/ports.ts'
import { serviceEnv, services } from '../src/profile/services.ts'

/** The gateway's configuration under `npm start` with this `.env`. */
const gatewayConfig = (env: NodeJS.ProcessEnv, frontEndOrigins = localFrontEnds) => {
  const row = services.find(({ name }) => name === 'gateway')
  if (!row) throw new Error('the registry has no gateway')
  const environment = {
    home: '/tmp',
    host: '127.0.0.1',
    ports: portDefaultsOf(registry.services),
    secrets: new Proxy({}, { get: () => 'a-secret-of-at-least-32-characters' }) as never,
    publicUrl: 'http://localhost:8000',
    frontEndOrigins,
    postgresUrl: 'postgres://localhost',
    rabbitmqUrl: 'amqp://localhost',
    keycloakUrl: 'http://localhost:8080',
    keycloakPublicUrl: 'http://localhost:8080',
  }
  return loadConfig(configShape, serviceEnv(row, environment, env))
}

describe('Front ends on other origins', () => {
  it('npm start passes CORS_ORIGINS and the front ends on to the gateway', () => {
    const { corsOrigins, frontEndOrigins } = gatewayConfig({ CORS_ORIGINS: 'https://shop.example.com' })
    expect(corsOrigins).toEqual(['https://shop.example.com'])
    expect(frontEndOrigins).toEqual([
      'http://localhost:3000',
      'http://localhost:4200',
      'http://localhost:5173',
      'http://localhost:8081',
    ])
    expect(gatewayConfig({}, 'https://app.example.com').frontEndOrigins).toEqual(['https://app.example.com'])
  })

  it('FRONT_END_ORIGINS is a list of origins', () => {
    expect(frontEndOriginsOf(' https://a.example, http://b:1 ,, https://a.example')).toEqual([
      'https://a.example',
      'http://b:1',
    ])
    expect(frontEndOriginsOf('')).toEqual([])
  })

  it.each(['https://a.example/', 'https://a.example/app', 'a.example', '*', 'https://*.example'])(
    'FRONT_END_ORIGINS refuses %s',
    (text) => expect(() => frontEndOriginsOf(text)).toThrow(`FRONT_END_ORIGINS: ${text} is not an origin`),
  )
})
