import { existsSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { type Dev, startDev } from '../support/dev';
import { describeWith } from '../support/optional';
import { CHROMIUM, launchChromium } from '../support/pages';

const withBrowser = describeWith(existsSync(CHROMIUM));

withBrowser('the IDE at / (needs Chromium)', () => {
  let dev: Dev;
  let browser: Browser;
  let page: Page;
  const otherOrigins: string[] = [];
  const failures: string[] = [];

  beforeAll(async () => {
    dev = await startDev();
    browser = await launchChromium();
    page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
    page.on('request', (request) => {
      const { protocol, origin } = new URL(request.url());
      if (protocol.startsWith('http') && origin !== new URL(dev.ideUrl).origin) otherOrigins.push(request.url());
    });
    page.on('response', (response) => {
      if (response.status() >= 400) failures.push(`${response.status()} ${response.url()}`);
    });
    page.on('pageerror', (error) => failures.push(String(error)));
    await page.goto(dev.ideUrl);
  }, 60_000);

  afterAll(async () => {
    await browser.close();
    await dev.stop('SIGINT');
  });

  /** Sends the operation of the open tab, and waits for the response. */
  async function send(): Promise<string> {
    await page
      .getByRole('button', { name: /send|run/i })
      .first()
      .click();
    const result = page.locator('app-query-result');
    await result.getByText('"data"').first().waitFor({ timeout: 20_000 });
    return result.innerText();
  }

  test('opens with a query and a mutation that can be sent unchanged', async () => {
    await page.getByText('Read identities').first().waitFor({ timeout: 30_000 });
    expect(await send()).toContain('"provider"');
    await page.getByText('Unlink an identity').first().click();
    expect(await send()).toContain('"success": true');
  }, 60_000);

  test('loads only files of its own origin, and none is missing', () => {
    expect(otherOrigins).toEqual([]);
    expect(failures).toEqual([]);
  });
});
