/** Tabs: one of several panels, by arrow keys as well. */

import type { ComponentChildren, JSX } from "preact";
import { useId, useRef } from "preact/hooks";

interface TabsProps<V extends string> {
  readonly label: string;
  readonly value: V;
  readonly onValue: (value: V) => void;
  readonly tabs: readonly { readonly value: V; readonly label: string }[];
  readonly children: ComponentChildren;
}

export function Tabs<V extends string>({ label, value, onValue, tabs, children }: TabsProps<V>): JSX.Element {
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const move = (e: KeyboardEvent): void => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (step === undefined) return;
    e.preventDefault();
    const at = tabs.findIndex((t) => t.value === value);
    const next = (at + step + tabs.length) % tabs.length;
    const chosen = tabs[next];
    if (chosen === undefined) return;
    onValue(chosen.value);
    list.current?.querySelectorAll<HTMLElement>("[role=tab]")[next]?.focus();
  };
  return (
    <>
      <div class="tabs" role="tablist" aria-label={label} ref={list} onKeyDown={move}>
        {tabs.map((t) => (
          <button key={t.value} type="button" role="tab" id={`${id}-${t.value}`} aria-selected={t.value === value} aria-controls={`${id}-panel`} tabIndex={t.value === value ? 0 : -1}
            onClick={() => { onValue(t.value); }}>{t.label}</button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${value}`}>{children}</div>
    </>
  );
}
