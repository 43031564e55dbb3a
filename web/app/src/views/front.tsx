/** The frame of what is seen before anybody is unlocked. */

import type { ComponentChildren, JSX } from "preact";

import { Button, useHeading } from "../parts/basics.js";
import { Mark } from "../parts/icon.js";
import { t } from "../texts/index.js";

export function Front({ title, children, onBack, wide = false }: { title: string; children: ComponentChildren; onBack?: () => void; wide?: boolean }): JSX.Element {
  const heading = useHeading(title);
  return (
    <div class={wide ? "front front-wide" : "front"}>
      <header class="front-brand"><Mark /><span>{t.brand}</span></header>
      <main id="content">
        {onBack && <Button kind="quiet" icon="back" onClick={onBack}>{t.common.back}</Button>}
        <h1 ref={heading} tabIndex={-1}>{title}</h1>
        {children}
      </main>
    </div>
  );
}
