import type { ApplicationDto, DataOf, ExtIdpDto } from '../genauth/api';
import { connectionsOf, type StoredApplication } from './applications';
import { API_CODE, Refusal } from './envelope';
import { optionalTextOf, textOf } from './parameters';
import type { RequestData } from './request';
import type { Switches } from './switches';
import type { UserPool } from './userPool';

/** @see docs/genauth-api.md#list-ext-idp */
export function listExtIdp(pool: UserPool, request: RequestData): DataOf<'GET /api/v3/list-ext-idp'> {
  const { store, switches } = pool;
  const appId = optionalTextOf(request, 'appId');
  const byApplication = appId !== undefined && switches.extIdpAppId === 'enabled';
  const applications = byApplication ? [findApplication(pool, appId)] : store.applications();
  const isListed = (id: string) =>
    (!byApplication && switches.extIdpDisabled === 'listed') || applications.some((app) => isEnabled(pool, app, id));
  const list: ExtIdpDto[] = store
    .extIdps()
    .filter(({ id }) => isListed(id))
    .map(({ id, name, logo, type }) => ({ id, name, logo, type }));
  const asObject = switches.extIdpList === 'object' && list.length === 1;
  // The type says what GenAuth documents. GenAuth's own sample shows one object.
  return { totalCount: list.length, list: (asObject ? list[0] : list) as ExtIdpDto[] };
}

function isEnabled({ store }: UserPool, application: StoredApplication, extIdpId: string): boolean {
  return connectionsOf(application, store.extIdps()).some(
    (connection) => connection.extIdpId === extIdpId && connection.enabled === true,
  );
}

/** @see docs/genauth-api.md#get-ext-idp */
export function getExtIdp({ store, switches }: UserPool, request: RequestData): DataOf<'GET /api/v3/get-ext-idp'> {
  const extIdp = store.extIdp(textOf(request, 'id'));
  if (extIdp === undefined) throw extIdpMissing(switches);
  return extIdp;
}

/** @see docs/genauth-api.md#get-application */
export function getApplication(pool: UserPool, request: RequestData): ApplicationDto {
  const application = findApplication(pool, textOf(request, 'appId'));
  return {
    appId: application.id,
    appIdentifier: application.name.toLowerCase().replace(/\W+/g, '-'),
    appName: application.name,
    appLogo: 'https://files.example.com/application.svg',
    userPoolId: pool.id,
    loginConfig: {
      enabledBasicLoginMethods: [...application.basicLoginMethods],
      enabledExtIdpConns: enabledExtIdpConns(application, pool),
    },
  };
}

function enabledExtIdpConns(application: StoredApplication, { store, switches }: UserPool) {
  const connections = connectionsOf(application, store.extIdps());
  if (switches.enabledExtIdpConns === 'objects') return connections;
  // A list of ids has no room for `enabled`.
  const ids = connections.filter(({ enabled }) => enabled === true).map(({ extIdpConnId }) => extIdpConnId);
  // The type says what GenAuth documents. GenAuth's samples show ids.
  return (switches.enabledExtIdpConns === 'ids' ? ids : JSON.stringify(ids)) as unknown as typeof connections;
}

/** Finds an application. @throws {Refusal} As the switch `applicationMissing` has it: there is no such application. */
export function findApplication({ store, switches }: UserPool, appId: string): StoredApplication {
  const application = store.application(appId);
  if (application !== undefined) return application;
  if (switches.applicationMissing === '400') throw new Refusal(400, 'applicationMissing');
  throw new Refusal(404, 'applicationMissing', {
    apiCode: switches.applicationMissing === '2011' ? API_CODE.applicationMissing : undefined,
  });
}

export function extIdpMissing(switches: Switches): Refusal {
  return new Refusal(Number(switches.extIdpMissing), 'resourceMissing');
}
