import { createServer } from 'node:net'
import { freePorts, isFree, portDefaults, portsFrom, takenPorts } from '../src/profile/ports.ts'

describe('ports', () => {
  it('are the documented ones where nothing is set', () => {
    expect(portsFrom({})).toEqual(portDefaults)
  })

  it('move by their variable; an internal port follows its service', () => {
    const ports = portsFrom({ GATEWAY_PORT: '9000', KEYCLOAK_PORT: '9080' })
    expect(ports).toMatchObject({ GATEWAY_PORT: 9000, GATEWAY_INTERNAL_PORT: 9100, KEYCLOAK_PORT: 9080 })
    expect(portsFrom({ GATEWAY_PORT: '9000', GATEWAY_INTERNAL_PORT: '7000' }).GATEWAY_INTERNAL_PORT).toBe(7000)
  })

  it.each(['0', '65536', 'http', '80.5', '-1'])('refuse %s by the name of the variable', (value) => {
    expect(() => portsFrom({ MAIL_PORT: value })).toThrow(/MAIL_PORT/)
  })

  it('refuse the same number twice', () => {
    expect(() => portsFrom({ MAIL_PORT: '8000' })).toThrow(/MAIL_PORT is 8000/)
  })

  it('a taken one is named with its holder and the variable that moves it', async () => {
    const [port = 0] = await freePorts(1)
    const server = createServer()
    await new Promise<void>((done) => server.listen(port, '127.0.0.1', done))
    const lines = await takenPorts({ ...portDefaults, MAIL_PORT: port }, ['MAIL_PORT'])
    await new Promise((done) => server.close(done))
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain(`port ${port} is taken by process ${process.pid}`)
    expect(lines[0]).toContain('MAIL_PORT=')
    expect(await isFree(port)).toBe(true)
  })
})
