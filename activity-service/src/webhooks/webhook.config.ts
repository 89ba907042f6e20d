import { commaList, flag, httpUrl } from '@clientele/platform/runtime/config'
import { isLoopbackNetwork, parseNetwork } from './requests/addresses.ts'

const isNetwork = (text: string): boolean => {
  try {
    return parseNetwork(text) !== undefined
  } catch {
    return false
  }
}

/** Settings of webhooks. */
export const webhookConfig = {
  publicUrl: httpUrl.optional().describe('the address of the gateway for browsers; no webhook may call it'),
  webhookSecretKeys: commaList
    .refine((keys) => keys.length > 0 && keys.every((key) => key.length >= 32), 'each must have at least 32 characters')
    .describe('keys that encrypt the secrets of webhooks: the first encrypts, all decrypt'),
  webhookAllowHttp: flag.default(false).describe('whether webhooks may be sent by http'),
  webhookAllowNetworks: commaList
    .default([])
    .refine((networks) => networks.every(isNetwork), 'must be networks such as 192.168.10.0/24, separated by commas')
    .describe('networks with addresses that are not public to which webhooks may be sent'),
}

/** What is wrong with settings that depend on each other. */
export const webhookConfigErrors = (config: { profile: string; webhookAllowNetworks: readonly string[] }): string[] => {
  const hasLoopback = config.webhookAllowNetworks.some((network) => isLoopbackNetwork(parseNetwork(network)))
  return hasLoopback && config.profile !== 'local'
    ? ['WEBHOOK_ALLOW_NETWORKS has addresses of this machine, which only PROFILE=local allows']
    : []
}
