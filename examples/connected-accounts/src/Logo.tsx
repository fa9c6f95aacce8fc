import { useState } from 'react';
import type { Source } from './accounts';

/** The logo of a source, if it is a file of this origin; otherwise the first letter of the source's name. */
export function Logo({ name, logo }: Pick<Source, 'name' | 'logo'>) {
  const [isMissing, setMissing] = useState(false);
  // The page sends no request to another origin. Allow the host of your logos here and in the content security policy.
  const isShown = logo !== null && !isMissing && URL.parse(logo, location.href)?.origin === location.origin;
  return (
    <span className="logo" aria-hidden="true">
      {isShown ? <img src={logo} alt="" onError={() => setMissing(true)} /> : name.slice(0, 1).toUpperCase()}
    </span>
  );
}
