import { createServer } from 'node:net'
import { findPortConflicts, freePorts, isFree, portDefaults, portsFrom } from '../src/profile/ports.ts'

describe('Ports', () => {
  it('ports have their defaults if no variable is set', () => {
    expect(portsFrom({})).toEqual(portDefaults)
  })

  it('a variable sets a port, and an internal port follows that of its service', () => {
    const ports = portsFrom({ GATEWAY_PORT: '9000', KEYCLOAK_PORT: '9080' })
    expect(ports).toMatchObject({ GATEWAY_PORT: 9000, GATEWAY_INTERNAL_PORT: 9100, KEYCLOAK_PORT: 9080 })
    expect(portsFrom({ GATEWAY_PORT: '9000', GATEWAY_INTERNAL_PORT: '7000' }).GATEWAY_INTERNAL_PORT).toBe(7000)
  })

  it.each(['0', '65536', 'http', '80.5', '-1'])('portsFrom refuses the port %s and names its variable', (value) => {
    expect(() => portsFrom({ MAIL_PORT: value })).toThrow(/MAIL_PORT/)
  })

  it('portsFrom refuses the same port for two variables', () => {
    expect(() => portsFrom({ MAIL_PORT: '8000' })).toThrow(/MAIL_PORT is 8000/)
  })

  it('findPortConflicts names a port that is in use, the process that uses it, and the variable', async () => {
    const [port = 0] = await freePorts(1)
    const server = createServer()
    await new Promise<void>((done) => server.listen(port, '127.0.0.1', done))
    const lines = await findPortConflicts({ ...portDefaults, MAIL_PORT: port }, ['MAIL_PORT'])
    await new Promise((done) => server.close(done))
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain(`port ${port} is in use by process ${process.pid}`)
    expect(lines[0]).toContain('MAIL_PORT=')
    expect(await isFree(port)).toBe(true)
  })
})
