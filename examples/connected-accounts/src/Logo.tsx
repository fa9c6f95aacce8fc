import { useState } from 'react';
import type { Source } from './accounts';

/** The logo of a source, if the page may load it; otherwise the first letter of the source's name. */
export function Logo({ name, logo }: Pick<Source, 'name' | 'logo'>) {
  const [isMissing, setMissing] = useState(false);
  return (
    <span className="logo" aria-hidden="true">
      {logo !== null && isAllowed(logo) && !isMissing ? (
        <img src={logo} alt="" onError={() => setMissing(true)} />
      ) : (
        /./u.exec(name)?.[0].toUpperCase()
      )}
    </span>
  );
}

/** The page sends no request to another origin. Allow the host of your logos here and in the content security policy. */
function isAllowed(logo: string): boolean {
  const url = URL.parse(logo, location.href);
  return url?.origin === location.origin || url?.protocol === 'data:';
}
