import { httpUrl, loadConfig, serviceConfig } from '@clientele/platform/runtime/config'
import { runOnce } from './container-once.ts'
import { createDemoData } from './demo-data.ts'
import { homeFolder } from './folders.ts'

await runOnce(async () => {
  const { profile, gatewayUrl } = loadConfig({ profile: serviceConfig.profile, gatewayUrl: httpUrl })
  if (profile === 'production') return ['no demo data in production']
  const { customers, products, orders } = await createDemoData(gatewayUrl, homeFolder())
  return [`made ${customers} customers, ${products} products, ${orders} orders`]
})
