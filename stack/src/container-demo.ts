import { httpUrl, loadConfig, serviceConfig } from '@clientele/platform/runtime/config'
import { createDemoData } from './demo/demo-data.ts'
import { homeFolder } from './processes/folders.ts'
import { runOnce } from './processes/run-once.ts'

await runOnce(async () => {
  const { profile, gatewayUrl } = loadConfig({ profile: serviceConfig.profile, gatewayUrl: httpUrl })
  if (profile === 'production') return ['PROFILE=production: no demo data was created']
  const { customers, products, orders } = await createDemoData(gatewayUrl, homeFolder())
  return [`created ${customers} customers, ${products} products, ${orders} orders`]
})
