'use strict';
(() => {
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const one = (selector) => document.querySelector(selector);
  const rows = all('tr.l');
  const lists = all('main details');

  // Filters. The rows of the table and the details of the lists have the same order.
  const form = one('#filters');
  if (form) {
    const texts = [];
    const text = (at) => (texts[at] ??= lists[at].textContent.toLowerCase());
    const value = (id) => one(id)?.value ?? '';
    const hide = (element, isHidden) => { if (element.hidden !== isHidden) element.hidden = isHidden; };
    const filter = () => {
      const words = value('#search').toLowerCase().split(/\s+/).filter(Boolean);
      const state = value('#state');
      const registry = value('#registry');
      let shown = 0;
      rows.forEach((row, at) => {
        const own = row.dataset.s ?? '';
        const fits = (!state || (state === '!ok' ? own !== 'ok' : own === state))
          && (!registry || row.parentElement.dataset.r === registry)
          && words.every((word) => text(at).includes(word));
        hide(row, !fits);
        hide(lists[at], !fits);
        shown += fits;
      });
      all('tbody[data-r]').forEach((group) => hide(group, !group.querySelector('tr.l:not([hidden])')));
      all('section[data-r]').forEach((group) => hide(group, !group.querySelector('details:not([hidden])')));
      one('#shown').textContent = shown === 0 ? 'No list matches.' : `${shown} of ${rows.length} lists shown`;
    };
    form.hidden = false;
    // A long table takes a moment to lay out, which must not delay what is typed.
    let timer;
    const later = () => { clearTimeout(timer); timer = setTimeout(filter, rows.length > 300 ? 200 : 0); };
    form.addEventListener('input', later);
    form.addEventListener('reset', later);
    form.addEventListener('submit', (event) => event.preventDefault());
    filter();
  }

  // Copy buttons. They are added when a list is opened, because a page can have tens of thousands.
  const say = (text) => { one('#said').textContent = text; };
  const copy = async (button, code) => {
    const text = code.textContent;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      getSelection().selectAllChildren(code);
      if (!document.execCommand('copy')) {
        say('The text is selected. Copy it with the keyboard.');
        return;
      }
    }
    say('');
    setTimeout(() => say(`Copied ${text}`), 50);
    button.textContent = 'Copied';
    setTimeout(() => { button.textContent = 'Copy'; }, 2000);
  };
  const addButtons = (list) => all('code.c:not(.with-button)', list).forEach((code) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'copy';
    button.textContent = 'Copy';
    button.setAttribute('aria-label', `Copy ${code.textContent}`);
    button.addEventListener('click', () => copy(button, code));
    code.classList.add('with-button');
    code.after(button);
  });
  document.addEventListener('toggle', (event) => { if (event.target.open) addButtons(event.target); }, true);
  lists.filter((list) => list.open).forEach(addButtons);

  // A link to a list opens it.
  const open = () => {
    const list = document.getElementById(location.hash.slice(1));
    if (list?.tagName === 'DETAILS') {
      list.open = true;
      list.scrollIntoView();
      list.querySelector('summary').focus({ preventScroll: true });
    }
  };
  addEventListener('hashchange', open);
  open();
})();
