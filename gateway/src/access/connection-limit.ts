import type { Socket } from 'node:net'
import { counter } from '@clientele/platform/runtime/telemetry'
import type { GatewayConfig } from '../config.ts'
import { networkFactors, networksOf, socketAddress } from '../request/client-address.ts'

/**
 * Creates the function that closes connections beyond `maxConnectionsPerAddress`, and beyond a multiple of it for an IPv6 network.
 * Behind a proxy all connections have the proxy's address, so there is no limit: the proxy has to limit those of its clients.
 */
export const createConnectionLimit = ({
  maxConnectionsPerAddress: limit,
  trustedProxies,
}: Pick<GatewayConfig, 'maxConnectionsPerAddress' | 'trustedProxies'>): ((socket: Socket) => void) | undefined => {
  if (trustedProxies > 0) return undefined
  const connections = new Map<string, number>()
  const refused = counter('gateway_connections_refused_total', 'Connections closed because their address has too many')
  refused.inc(0)

  const isFull = (network: string, index: number): boolean =>
    (connections.get(network) ?? 0) >= limit * (networkFactors[index] ?? 1)
  const release = (network: string): void => {
    const left = (connections.get(network) ?? 1) - 1
    if (left === 0) connections.delete(network)
    else connections.set(network, left)
  }

  return (socket) => {
    const networks = networksOf(socketAddress(socket))
    if (networks.some(isFull)) {
      refused.inc()
      socket.resetAndDestroy()
      return
    }
    for (const network of networks) connections.set(network, (connections.get(network) ?? 0) + 1)
    socket.once('close', () => networks.forEach(release))
  }
}
